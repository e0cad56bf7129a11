/* instructions.c: functions of the module erlang that the compiler or the loader turns into
 * instructions: a trace of them is accepted by the VM and sees no direct call.
 *
 * Tried on OTP 25, 27 and 29 with every function that erlang exports; a test does it again.
 */
#include <stdio.h>

#include "filters/match_spec/spec.h"

static const struct instruction {
    const char *name;
    unsigned arities; /* bit n: with n arguments */
    unsigned some;    /* of these: in some releases only */
} instructions[] = {
    {"!", 1 << 2, 0},
    {"*", 1 << 2, 0},
    {"+", 1 << 1 | 1 << 2, 0},
    {"-", 1 << 1 | 1 << 2, 0},
    {"/", 1 << 2, 0},
    {"/=", 1 << 2, 0},
    {"<", 1 << 2, 0},
    {"=/=", 1 << 2, 0},
    {"=:=", 1 << 2, 0},
    {"=<", 1 << 2, 0},
    {"==", 1 << 2, 0},
    {">", 1 << 2, 0},
    {">=", 1 << 2, 0},
    {"abs", 1 << 1, 0},
    {"and", 1 << 2, 0},
    {"apply", 1 << 2 | 1 << 3, 1 << 2},
    {"band", 1 << 2, 0},
    {"binary_part", 1 << 2 | 1 << 3, 0},
    {"bit_size", 1 << 1, 0},
    {"bnot", 1 << 1, 0},
    {"bor", 1 << 2, 0},
    {"bsl", 1 << 2, 0},
    {"bsr", 1 << 2, 0},
    {"bxor", 1 << 2, 0},
    {"byte_size", 1 << 1, 0},
    {"ceil", 1 << 1, 0},
    {"div", 1 << 2, 0},
    {"element", 1 << 2, 0},
    {"float", 1 << 1, 0},
    {"floor", 1 << 1, 0},
    {"get", 1 << 1, 0},
    {"hd", 1 << 1, 0},
    {"hibernate", 1 << 0 | 1 << 3, 1 << 0 | 1 << 3},
    {"is_atom", 1 << 1, 0},
    {"is_binary", 1 << 1, 0},
    {"is_bitstring", 1 << 1, 0},
    {"is_boolean", 1 << 1, 0},
    {"is_float", 1 << 1, 0},
    {"is_function", 1 << 1 | 1 << 2, 0},
    {"is_integer", 1 << 1 | 1 << 3, 1 << 3},
    {"is_list", 1 << 1, 0},
    {"is_map", 1 << 1, 0},
    {"is_map_key", 1 << 2, 0},
    {"is_number", 1 << 1, 0},
    {"is_pid", 1 << 1, 0},
    {"is_port", 1 << 1, 0},
    {"is_record", 1 << 1 | 1 << 2 | 1 << 3, 1 << 1 | 1 << 3},
    {"is_reference", 1 << 1, 0},
    {"is_tuple", 1 << 1, 0},
    {"length", 1 << 1, 0},
    {"map_get", 1 << 2, 0},
    {"map_size", 1 << 1, 0},
    {"max", 1 << 2, 1 << 2},
    {"min", 1 << 2, 1 << 2},
    {"node", 1 << 0 | 1 << 1, 0},
    {"not", 1 << 1, 0},
    {"or", 1 << 2, 0},
    {"rem", 1 << 2, 0},
    {"round", 1 << 1, 0},
    {"self", 1 << 0, 0},
    {"size", 1 << 1, 0},
    {"tl", 1 << 1, 0},
    {"trunc", 1 << 1, 0},
    {"tuple_size", 1 << 1, 0},
    {"xor", 1 << 2, 0},
    {"yield", 1 << 0, 0},
};
enum { INSTRUCTIONS = sizeof instructions / sizeof instructions[0] };

void tap_ms_warn_unseen(const struct tap_host *host, const struct ms_entry *e)
{
    char arity[16] = "", place[32] = "";
    if (!e->module || !e->function || strcmp(e->module, "erlang") != 0)
        return;
    for (size_t i = 0; i < INSTRUCTIONS; i++) {
        const struct instruction *f = &instructions[i];
        bool any = e->arity < 0 && strcmp(f->name, "get") != 0; /* get/0 is a function */
        if (strcmp(f->name, e->function) != 0 ||
            !(any || (e->arity >= 0 && e->arity < 32 && f->arities >> e->arity & 1)))
            continue;
        if (e->arity >= 0)
            snprintf(arity, sizeof arity, "/%d", e->arity);
        if (e->where->line > 0)
            snprintf(place, sizeof place, "line %d: ", e->where->line);
        host->log(host, TAP_LOG_WARNING,
                  "%scalls of erlang:%s%s are instructions of the VM%s and not traced; only those "
                  "through apply or a fun are seen",
                  place, e->function, arity,
                  e->arity >= 0 && f->some >> e->arity & 1 ? " in some releases" : "");
    }
}
