/* options.h: one schema code for every option: validation, the filled settings struct, and its
 * description.
 *
 * The session's own options, those every sink has, and each plugin's are all tables of struct
 * tap_option.
 */
#ifndef TAP_CONFIG_OPTIONS_H
#define TAP_CONFIG_OPTIONS_H

#include "base/error.h"
#include "base/mempool.h"

/* One "key = value" as configured. */
struct tap_setting {
    const char *key;
    struct tap_text key_where; /* the key's own place */
    struct tap_text value;
    /* The value with what was taken for comments behind a blank and a ;. NULL: nothing was. */
    const char *uncut;
};

/* Fills `settings` from defaults and the given settings, for those settings that this table knows;
 * marks them in used[i]. Every mistake becomes a cause (bad value with the nearest right one or the
 * range, missing key, key given twice); its setting has its default then. Returns TAP_OK or
 * TAP_INVALID. `section` is printed in errors: "sink:chrome". Strings and lists go to the pool. */
enum tap_status tap_options_fill(const struct tap_option *, size_t option_count,
                                 const struct tap_setting *, size_t setting_count, bool *used,
                                 void *settings, struct tap_mempool *, const char *section,
                                 const struct tap_text *section_where, struct tap_error *);
/* Adds a cause for each setting that is not used, with the nearest right key ("did you mean
 * 'path'?"). */
enum tap_status tap_options_unknown(const struct tap_option *const *tables, const size_t *counts,
                                    size_t table_count, const struct tap_setting *,
                                    size_t setting_count, const bool *used, const char *section,
                                    struct tap_error *);
/* "size, default 64k, 1..1G" and the like, for `beamtap plugins`. */
size_t tap_option_describe(const struct tap_option *, char *dst, size_t cap);
/* Parse helpers, also for --set and tests: false when the text is not one. */
bool tap_parse_size(const char *text, bool bytes, int64_t *value);
bool tap_parse_duration(const char *text, int64_t *ns);

#endif
