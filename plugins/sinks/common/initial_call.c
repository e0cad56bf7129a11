/* initial_call.c: which function a process really runs, read from the {M,F,Args} of its spawn.
 *
 * Half of all processes begin in proc_lib:init_p/5 and most of the rest in a fun; named after those
 * they would all look alike. So we look into the arguments: at what proc_lib starts, at the
 * callback module of a gen_server, at the callback module of a supervisor, at the module of a fun.
 */
#include "sinks/common/payload_atom.h"
#include "sinks/common/process_name.h"
#include "sinks/common/writer.h"

/* How many arguments; -1: it is no list. A list of small integers travels as a string. */
static int32_t initial_arity(struct tap_cursor *cur)
{
    const uint8_t *bytes;
    uint32_t n;
    bool ok =
        tap_peek(cur) == TAP_EXT_STRING ? tap_read_string(cur, &bytes, &n) : tap_read_list(cur, &n);
    return ok && n < 256 ? (int32_t)n : -1;
}

static struct tap_initial_call initial_is(uint32_t m, uint32_t f, int32_t arity)
{
    return m && f && arity >= 0 ? (struct tap_initial_call){m, f, arity}
                                : (struct tap_initial_call){0};
}

/* erlang:apply(Fun, []): Module:'-fun-N-'/Arity, which is all that a fun tells of itself. */
static struct tap_initial_call initial_fun(const struct tap_host *host, struct tap_cursor cur)
{
    if (tap_peek(&cur) != TAP_EXT_NEW_FUN || tap_left(&cur) < 30)
        return (struct tap_initial_call){0};
    int32_t arity = cur.p[5];
    uint32_t index = tap_get_u32(cur.p + 22);
    cur.p += 30; /* tag, size, arity, uniq, index, count of free variables */
    uint32_t module = tap_sink_atom(host, &cur);
    char text[24], *p = tap_text_lit(text, "-fun-");
    p = tap_text_u64(p, index);
    *p++ = '-';
    return initial_is(module, host->intern(host, text, (size_t)(p - text)), arity);
}

/* gen:init_it(GenMod, Starter, Parent, [Name,] Mod, Args, Options): Mod:init/1, and for a
 * supervisor, whose Args are {Name, Mod, Args}, that one's. */
static struct tap_initial_call initial_gen(const struct tap_host *host, struct tap_cursor cur,
                                           uint32_t n)
{
    uint32_t three;
    for (uint32_t i = 0; i + 3 < n; i++)
        if (!tap_skip(&cur))
            return (struct tap_initial_call){0};
    struct tap_cursor sup = cur;
    if (tap_match_atom(&sup, "supervisor") && tap_peek(&sup) == TAP_EXT_SMALL_TUPLE &&
        tap_read_tuple(&sup, &three) && three == 3 && tap_skip(&sup))
        cur = sup;
    return initial_is(tap_sink_atom(host, &cur), host->intern(host, "init", 4), 1);
}

/* proc_lib:init_p(Parent, Ancestors, M, F, Args), after the list's head. */
static struct tap_initial_call initial_proc_lib(const struct tap_host *host, struct tap_cursor cur)
{
    if (!tap_skip(&cur) || !tap_skip(&cur))
        return (struct tap_initial_call){0};
    struct tap_cursor gen = cur;
    uint32_t n;
    if (tap_match_atom(&gen, "gen") && tap_match_atom(&gen, "init_it") &&
        tap_peek(&gen) == TAP_EXT_LIST && tap_read_list(&gen, &n) && n >= 6) {
        struct tap_initial_call found = initial_gen(host, gen, n);
        if (found.function)
            return found;
    }
    uint32_t m = tap_sink_atom(host, &cur), f = tap_sink_atom(host, &cur);
    return initial_is(m, f, initial_arity(&cur));
}

struct tap_initial_call tap_initial_call_of(const struct tap_host *host,
                                            const struct tap_batch *batch,
                                            const struct tap_event *ev)
{
    struct tap_cursor cur = tap_cursor(batch->arena + ev->payload.off, ev->payload.len);
    uint32_t three;
    if (!ev->payload.len || !tap_read_tuple(&cur, &three) || three != 3)
        return initial_is(ev->module, ev->function, ev->arity);
    struct tap_cursor proc_lib = cur, apply = cur;
    uint32_t m = tap_sink_atom(host, &cur), f = tap_sink_atom(host, &cur);
    struct tap_initial_call found = {0};
    int32_t arity = initial_arity(&cur);
    if (arity == 5 && tap_match_atom(&proc_lib, "proc_lib") && tap_match_atom(&proc_lib, "init_p"))
        found = initial_proc_lib(host, cur);
    else if (arity == 3 && tap_match_atom(&proc_lib, "proc_lib") &&
             tap_match_atom(&proc_lib, "init_p") && tap_skip(&cur) && tap_skip(&cur))
        found = initial_fun(host, cur);
    else if (arity == 2 && tap_match_atom(&apply, "erlang") && tap_match_atom(&apply, "apply"))
        found = initial_fun(host, cur);
    return found.function ? found : initial_is(m, f, arity);
}
