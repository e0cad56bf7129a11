/* mask.c: see mask.h. */
#include "transports/beam/net/mask.h"

#include <string.h>

#include "beamtap/term.h"

static bool is_word(const char *text, const char *cookie)
{
    return text && strcmp(text, cookie) == 0;
}

static bool is_named(const struct tap_plan *plan, const char *cookie)
{
    for (size_t i = 0; i < plan->function_count; i++)
        if (is_word(plan->functions[i]->module, cookie) ||
            is_word(plan->functions[i]->function, cookie))
            return true;
    for (size_t i = 0; i < plan->process_count; i++)
        if (is_word(plan->processes[i]->text, cookie))
            return true;
    return plan->call &&
           (is_word(plan->call->module, cookie) || is_word(plan->call->function, cookie));
}

void tap_mask_set(struct tap_mask *m, const char *cookie, const struct tap_plan *plan)
{
    size_t n = strlen(cookie);
    m->len = 0;
    if (n < TAP_MASK_MIN || n > TAP_MASK_MAX || (plan && is_named(plan, cookie)))
        return;
    memcpy(m->text, cookie, n + 1);
    m->len = n;
}

/* Is what begins at `at`, of so many bytes, a whole atom, string or binary? Its head is before
 * it. */
static bool is_whole(const uint8_t *bytes, size_t at, size_t len)
{
    const uint8_t *p = bytes + at;
    if (at >= 2 && p[-1] == len &&
        (p[-2] == TAP_EXT_SMALL_ATOM_UTF8 || p[-2] == TAP_EXT_SMALL_ATOM))
        return true;
    if (at >= 3 && p[-1] == len && p[-2] == 0 &&
        (p[-3] == TAP_EXT_ATOM_UTF8 || p[-3] == TAP_EXT_ATOM || p[-3] == TAP_EXT_STRING))
        return true;
    return at >= 5 && p[-5] == TAP_EXT_BINARY && tap_get_u32(p - 4) == len;
}

size_t tap_mask_bytes(const struct tap_mask *m, uint8_t *bytes, size_t n)
{
    size_t masked = 0;
    for (size_t at = 0; m->len && n - at >= m->len;) {
        uint8_t *found = memmem(bytes + at, n - at, m->text, m->len);
        if (!found)
            break;
        at = (size_t)(found - bytes);
        if (is_whole(bytes, at, m->len)) {
            memset(found, '*', m->len);
            masked++;
        }
        at++;
    }
    return masked;
}
