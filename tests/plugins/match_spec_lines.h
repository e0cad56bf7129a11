/* match_spec_lines.h: filter:match_spec with all its stages in one piece, and one configured line
 * through them. */
#ifndef MATCH_SPEC_LINES_H
#define MATCH_SPEC_LINES_H

#include "filters/match_spec/check.c"
#include "filters/match_spec/compile.c"
#include "filters/match_spec/head.c"
#include "filters/match_spec/entry.c"
#include "filters/match_spec/target.c"
#include "filters/match_spec/instructions.c"
#include "filters/match_spec/plugin.c"
#include "filters/match_spec/verdict.c"

#include "erl_oracle.h"
#include "fake_host.h"

static void *create(const char *trace, const char *spec)
{
    static struct tap_text items[2];
    items[0] = (struct tap_text){.text = trace, .file = "t.ini", .line = 1, .column = 1};
    items[1] = (struct tap_text){.text = spec, .file = "t.ini", .line = 2, .column = 1};
    struct tap_match_spec_settings s = {{trace != NULL, items}, {spec != NULL, items + 1}, 0};
    return fake_create(&s);
}
/* The one claim of a line; NULL: it was refused, see fake.messages[0]. */
static inline const struct fake_claim *compile_line(const char *trace, const char *spec)
{
    void *m = create(trace, spec);
    if (!m)
        return NULL;
    match_spec_destroy(m);
    CU_ASSERT(fake.claim_count == 1);
    return &fake.claims[0];
}

#define PARSE_TERM                                                                            \
    "Parse = fun(B) -> {ok, T, _} = erl_scan:string(unicode:characters_to_list(B) ++ \".\")," \
    " {ok, R} = erl_parse:parse_term(T), R end, "

#endif
