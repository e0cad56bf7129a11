/* fuzz.h: what a fuzz target is: the entry that libFuzzer calls, and inputs to begin with.
 *
 * Each fuzz_NAME.c has both, and checks with HOLD what must be true of any bytes. Linked with
 * driver.c it is a program of its own, with any compiler; with clang's libFuzzer, and without
 * driver.c, it is that:
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined ... tests/fuzz/fuzz_term.c libbeamtap.a
 *
 * (build/asan/tests/fuzz_term --seeds FOLDER writes the first inputs for it.)
 */
#ifndef TAP_FUZZ_FUZZ_H
#define TAP_FUZZ_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "beamtap/term_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* The input with this number, made by code and always the same; false: there are no more. */
bool fuzz_seed(unsigned number, struct tap_buf *);

/* xorshift64: the same numbers each time. */
static inline uint64_t fuzz_random(uint64_t *state)
{
    *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17;
    return *state;
}

#define HOLD(x)                                                                           \
    do {                                                                                  \
        if (!(x)) {                                                                       \
            fprintf(stderr, "%s:%d: it does not hold that %s\n", __FILE__, __LINE__, #x); \
            abort();                                                                      \
        }                                                                                 \
    } while (0)

#endif
