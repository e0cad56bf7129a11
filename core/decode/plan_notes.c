/* plan_notes.c: what a node left out of the plan (a module that is not there, a function that
 * someone else traces) is said in the log, by name: who asked for it must not take an empty trace
 * for a quiet node. */
#include <stdio.h>

#include "decode/frame.h"

#define LEFT_OUT_MAX 100u /* bytes of it in the log */
#define NOTES_MAX 20u

/* {What, Why}, both binaries. */
static bool plan_note(const struct tap_frames *ctx, uint32_t node, struct tap_cursor *c, bool shown)
{
    const uint8_t *what, *why;
    uint32_t arity, what_len, why_len;
    char line[1024];
    if (!tap_read_tuple(c, &arity) || arity != 2 || !tap_read_binary(c, &what, &what_len) ||
        !tap_read_binary(c, &why, &why_len))
        return false;
    int n = snprintf(line, sizeof line, "%.*s: %.*s", (int)what_len, (const char *)what,
                     (int)why_len, (const char *)why);
    if (shown && n > 0)
        ctx->log(ctx->arg, node, TAP_LOG_WARNING, line,
                 (size_t)n < sizeof line ? (uint32_t)n : (uint32_t)sizeof line - 1);
    return true;
}

static void plan_skipped(const struct tap_frames *ctx, uint32_t node, struct tap_cursor *c)
{
    uint32_t count;
    char line[80];
    if (!tap_read_list(c, &count)) /* [] counts 0 */
        return;
    for (uint32_t i = 0; i < count; i++)
        if (!plan_note(ctx, node, c, i < NOTES_MAX))
            return;
    if (count > NOTES_MAX) {
        int n = snprintf(line, sizeof line, "%u more are not traced, for such reasons",
                         count - NOTES_MAX);
        ctx->log(ctx->arg, node, TAP_LOG_WARNING, line, (uint32_t)n);
    }
}

static void plan_left_out(const struct tap_frames *ctx, uint32_t node, struct tap_cursor *c)
{
    const uint8_t *what;
    uint32_t len;
    if (!tap_read_binary(c, &what, &len))
        return;
    if (ctx->left_out)
        ctx->left_out(ctx->arg, node, (const char *)what, len);
    char line[1024];
    /* The names of twenty processes are for the summary, not between rows on a terminal. */
    uint32_t whole = len;
    if (ctx->left_out && len > LEFT_OUT_MAX)
        for (len = LEFT_OUT_MAX; len > 1 && !(what[len] == ' ' && what[len - 1] == ','); len--)
            ;
    int n = snprintf(line, sizeof line, "left out: %.*s%s", (int)len, (const char *)what,
                     len < whole ? " ... (all of them: in the summary at the end)" : "");
    if (n > 0)
        ctx->log(ctx->arg, node, TAP_LOG_INFO, line,
                 (size_t)n < sizeof line ? (uint32_t)n : (uint32_t)sizeof line - 1);
}

void tap_frame_plan_notes(const struct tap_frames *ctx, uint32_t node, struct tap_cursor c)
{
    uint32_t pairs;
    if (!tap_read_map(&c, &pairs))
        return;
    for (uint32_t i = 0; i < pairs && !c.bad; i++) {
        struct tap_cursor value = c;
        tap_skip(&value);
        if (tap_match_atom(&c, "skipped"))
            plan_skipped(ctx, node, &c);
        else if (tap_match_atom(&c, "left_out"))
            plan_left_out(ctx, node, &c);
        c = value;
        tap_skip(&c);
    }
}
