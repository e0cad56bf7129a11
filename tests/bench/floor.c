/* floor.c: what a look into a table takes when it is the memory alone that it takes: random lines
 * of tables of some sizes, each look waiting for the one before. Prints "MiB ns" lines, CPU
 * time. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOKS 2000000

int main(void)
{
    static const size_t sizes[] = {1, 4, 8, 16, 32};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t n = sizes[i] << 20;
        char *table = malloc(n);
        struct timespec from, to;
        uint64_t x = 88172645463325252u, sum = 0;
        if (!table)
            return 1;
        memset(table, 1, n);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
        for (int k = 0; k < LOOKS; k++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            sum += (unsigned char)table[(x + (sum & 1)) % (n / 64) * 64];
        }
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
        if (sum != LOOKS)
            return 1;
        printf("%zu %.1f\n", sizes[i],
               ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
                   LOOKS);
        free(table);
    }
    return 0;
}
