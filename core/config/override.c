/* override.c: --set SECTION.KEY=VALUE, laid over what the file says.
 *
 * What comes from here has no line but the argument itself as its place, so that a mistake in it
 * reads "--set sink:csv.pth: ...".
 */
#include "config/override.h"

#include <string.h>

/* SECTION.KEY=VALUE: the last dot before the = splits. */
static bool set_split(const char *set, size_t *section_len, size_t *key_len)
{
    const char *equals = strchr(set, '=');
    const char *dot = equals ? memrchr(set, '.', (size_t)(equals - set)) : NULL;
    if (!dot || dot == set || dot + 1 == equals)
        return false;
    *section_len = (size_t)(dot - set);
    *key_len = (size_t)(equals - dot) - 1;
    return true;
}

static bool set_from_file(const struct tap_setting *s)
{
    return s->key_where.line > 0;
}

/* The first --set of a key takes the place of what the file says; further ones of the same key are
 * added. */
bool tap_config_set(struct tap_ini *ini, const char *set, const char *origin,
                    struct tap_mempool *pool, struct tap_error *err)
{
    size_t section_len, key_len;
    if (!set_split(set, &section_len, &key_len)) {
        TAP_ERR(err, TAP_INVALID, NULL,
                "%s %s: this must be SECTION.KEY=VALUE, such as session.duration=10s or "
                "sink:csv.path=a.csv",
                origin, set);
        return true;
    }
    char *section_name = tap_mempool_strdup(pool, set, section_len);
    char *key = tap_mempool_strdup(pool, set + section_len + 1, key_len);
    char *value = tap_mempool_strdup(pool, set + section_len + key_len + 2,
                                     strlen(set + section_len + key_len + 2));
    size_t file_len = strlen(origin) + section_len + key_len + 3;
    char *file = tap_mempool_alloc(pool, file_len);
    if (!section_name || !key || !value || !file)
        return false;
    snprintf(file, file_len, "%s %s.%s", origin, section_name, key);
    struct tap_setting setting = {
        .key = key, .key_where = {key, file, 0, 0}, .value = {value, file, 0, 0}};
    struct tap_ini_section *section = tap_ini_find(ini, section_name);
    if (!section)
        section = tap_ini_add(ini, pool, section_name, &setting.key_where);
    if (!section)
        return false;
    size_t kept = 0;
    for (size_t i = 0; i < section->count; i++)
        if (strcmp(section->settings[i].key, key) != 0 || !set_from_file(&section->settings[i]))
            section->settings[kept++] = section->settings[i];
    section->count = kept;
    return tap_ini_set(section, pool, &setting);
}
