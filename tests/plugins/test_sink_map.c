/* The hash table of sinks that count: against a plain array, and with keys that somebody chose. */
#include "sinks/common/map.h"
#include "unit.h"

#define KEYS 3000u

static void it_holds_what_was_put_into_it(void)
{
    static uint32_t model[KEYS];
    struct tap_map map = {0};
    unsigned seed = 5, wrong = 0;
    uint32_t count = 0;
    for (int i = 0; i < 500000; i++) {
        uint32_t k = (uint32_t)rand_r(&seed) % KEYS, *value;
        uint64_t key = k % 2 ? tap_map_mix(k, 3) : (uint64_t)k + 1;
        switch (rand_r(&seed) % 3) {
        case 0:
            value = tap_map_get(&map, key, true);
            CU_ASSERT_FATAL(value != NULL);
            wrong += *value != model[k];
            count += !model[k];
            *value = model[k] = (uint32_t)i + 1;
            break;
        case 1:
            tap_map_remove(&map, key);
            count -= model[k] != 0;
            model[k] = 0;
            break;
        default: value = tap_map_get(&map, key, false); wrong += (value ? *value : 0) != model[k];
        }
        wrong += map.count != count;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    tap_map_free(&map);
}

static double put_many(uint64_t factor)
{
    struct tap_map map = {0};
    double begun = cpu_seconds();
    for (uint64_t i = 1; i <= 60000; i++)
        CU_ASSERT(tap_map_get(&map, i * factor, true) != NULL);
    tap_map_free(&map);
    return cpu_seconds() - begun;
}

/* Keys are hashes that anybody can work out, and so choose: their lower bits, or their upper ones,
 * are the same. */
static void chosen_keys_cost_no_more_than_others(void)
{
    double others = put_many(0xd6e8feb86659fd93ull);
    CU_ASSERT(put_many(1) < 20 * others + 0.1);
    CU_ASSERT(put_many(UINT64_C(1) << 20) < 20 * others + 0.1);
    CU_ASSERT(put_many(UINT64_C(1) << 44) < 20 * others + 0.1);
}

UNIT_TESTS("sink_map", UNIT_TEST(it_holds_what_was_put_into_it),
           UNIT_TEST(chosen_keys_cost_no_more_than_others))
