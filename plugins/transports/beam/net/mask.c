/* mask.c: see mask.h. */
#include "transports/beam/net/mask.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

/* From `at` on, where the cookie may begin: its length is the byte before, as in all that is_whole
 * knows. n: nowhere. Every frame goes through here: 16 bytes at a time. */
static size_t next_place(const struct tap_mask *m, const uint8_t *bytes, size_t at, size_t n)
{
#ifdef __SSE2__
    const __m128i len = _mm_set1_epi8((char)m->len), first = _mm_set1_epi8(m->text[0]);
    for (; at + 16 <= n; at += 16) {
        __m128i before = _mm_loadu_si128((const __m128i *)(const void *)(bytes + at - 1)),
                here = _mm_loadu_si128((const __m128i *)(const void *)(bytes + at));
        unsigned both = (unsigned)_mm_movemask_epi8(
            _mm_and_si128(_mm_cmpeq_epi8(before, len), _mm_cmpeq_epi8(here, first)));
        if (both)
            return at + (size_t)__builtin_ctz(both);
    }
#endif
    for (; at < n; at++)
        if (bytes[at - 1] == m->len && bytes[at] == (uint8_t)m->text[0])
            return at;
    return n;
}

size_t tap_mask_bytes(const struct tap_mask *m, uint8_t *bytes, size_t n)
{
    size_t masked = 0;
    if (!m->len)
        return 0;
    for (size_t at = 1; (at = next_place(m, bytes, at, n)) + m->len <= n; at++)
        if (memcmp(bytes + at, m->text, m->len) == 0 && is_whole(bytes, at, m->len)) {
            memset(bytes + at, '*', m->len);
            masked++;
        }
    return masked;
}
