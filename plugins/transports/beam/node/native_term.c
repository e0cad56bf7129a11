/* native_term.c: the library and its module as SConstruct embeds them. */
#include "transports/beam/node/native_term.h"

#include "native_bytes.h"

void tap_native_term_write(struct tap_buf *b, const struct tap_plan *plan, bool with_stream)
{
    tap_write_atom(b, "native");
    tap_write_map(b, 7 + with_stream);
    tap_write_atom(b, "mode");
    tap_write_atom(b, plan->collect == TAP_COLLECT_NATIVE ? "native" : "auto");
    tap_write_atom(b, "arity_only");
    tap_write_atom(b, plan->native_arity_only ? "true" : "false");
    tap_write_atom(b, "numbered");
    tap_write_atom(b, TAP_HAS(plan, numbered) && plan->numbered ? "true" : "false");
    tap_write_atom(b, "machine");
    tap_write_binary(b, TAP_NATIVE_MACHINE, strlen(TAP_NATIVE_MACHINE));
    tap_write_atom(b, "module");
    tap_write_atom(b, TAP_NATIVE_NAME);
    tap_write_atom(b, "beam");
    tap_write_binary(b, tap_native_beam, sizeof tap_native_beam);
    tap_write_atom(b, "library");
    if (plan->native_library) {
        tap_write_tuple(b, 2);
        tap_write_atom(b, "path");
        tap_write_binary(b, plan->native_library, strlen(plan->native_library));
    } else {
        tap_write_binary(b, tap_native_library, sizeof tap_native_library);
    }
}
