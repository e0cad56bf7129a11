/* driver.c: runs a fuzz target without libFuzzer: its seeds as they are, and then mutated, for some
 * seconds. The mutations are the same each time, as far as the time goes.
 *
 *     fuzz_NAME [--seconds N | --inputs N] [--seed N]
 *                                          one line: "ok fuzz_NAME ..." or "not ok fuzz_NAME: why"
 *     fuzz_NAME FILE...                    these inputs, to see again what was found
 *     fuzz_NAME --seeds FOLDER             writes the seeds
 *
 * A child does the work on inputs in shared memory, so that the one that ended it can be kept.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define INPUT_MAX ((size_t)256 << 10)
#define SEEDS_MAX 4096u
#define PATIENCE 60 /* seconds of the processor that one input may take */
#define FILE_MAX ((rlim_t)256 << 20)

struct shared {
    uint64_t done;
    size_t len;
    bool hangs;
    uint8_t input[INPUT_MAX];
};
static struct shared *shared;
static struct tap_buf seeds[SEEDS_MAX];
static unsigned seed_count;
static uint64_t inputs; /* 0: as many as the time allows */
static const char *name;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void make_seeds(void)
{
    while (seed_count < SEEDS_MAX && fuzz_seed(seed_count, &seeds[seed_count]))
        seed_count++;
    if (seed_count == 0) {
        fprintf(stderr, "%s: no seeds\n", name);
        exit(2);
    }
}

/* ---- Mutations, in shared->input */

static void put_number(uint8_t *at, size_t room, uint64_t r)
{
    static const uint64_t odd[] = {0,
                                   1,
                                   0x7f,
                                   0x80,
                                   0xff,
                                   0x7fff,
                                   0xffff,
                                   0x7fffffff,
                                   0x80000000,
                                   0xffffffff,
                                   0x4000000000000000,
                                   0x7fffffffffffffff,
                                   0x8000000000000000,
                                   0xffffffffffffffff};
    uint64_t v = odd[(r >> 8) % (sizeof odd / sizeof *odd)];
    size_t n = (size_t)1 << (r & 3);
    for (size_t i = 0; i < n && i < room; i++)
        at[i] = (uint8_t)(v >> 8 * (n - 1 - i));
}

/* Takes away `old` bytes at `at` and puts `add` there. */
static void replace(size_t at, size_t old, const uint8_t *add, size_t n)
{
    if (shared->len - old + n > INPUT_MAX)
        return;
    uint8_t *copy = malloc(n + 1);
    if (!copy)
        return;
    if (n)
        memcpy(copy, add, n);
    memmove(shared->input + at + n, shared->input + at + old, shared->len - at - old);
    if (n)
        memcpy(shared->input + at, copy, n);
    shared->len = shared->len - old + n;
    free(copy);
}

static void mutate(uint64_t *state)
{
    size_t len = shared->len;
    uint64_t r = fuzz_random(state), q = fuzz_random(state);
    size_t at = len ? r % len : 0, n = len ? 1 + q % (len - at < 64 ? len - at : 64) : 0;
    const struct tap_buf *other = &seeds[(q >> 8) % seed_count];
    size_t from = other->len ? (q >> 24) % other->len : 0;
    size_t piece = other->len ? 1 + (r >> 24) % (other->len - from) : 0;
    uint8_t byte = (uint8_t)(q >> 16);
    switch ((r >> 48) % 9) {
    case 0: /* a bit */
        if (len)
            shared->input[at] ^= (uint8_t)(1 << (q & 7));
        break;
    case 1: /* a byte */
        if (len)
            shared->input[at] = byte;
        break;
    case 2: /* a number at the edge of something */
        if (len)
            put_number(shared->input + at, len - at, q);
        break;
    case 3: replace(at, n, NULL, 0); break;
    case 4: replace(at, 0, shared->input + at, n); break; /* twice */
    case 5: replace(at, 0, &byte, 1); break;
    case 6: replace(at, 0, other->data + from, piece < 4096 ? piece : 4096); break;
    case 7: replace(at, n, other->data + from, piece < n ? piece : n); break;
    default: /* cut: seldom, for little is left */
        if (q % 8 == 0)
            shared->len = at;
    }
}

static void next_input(uint64_t number, uint64_t *state)
{
    const struct tap_buf *seed = &seeds[number % seed_count];
    size_t n = seed->len < INPUT_MAX ? seed->len : INPUT_MAX;
    if (n)
        memcpy(shared->input, seed->data, n);
    shared->len = n;
    if (number < seed_count)
        return;
    for (uint64_t times = 1 + fuzz_random(state) % 8; times > 0; times--)
        mutate(state);
}

/* ---- Running */

/* In a copy of exactly its size, so that reading beyond it is seen. */
static void run_input(const uint8_t *input, size_t len)
{
    uint8_t *exact = malloc(len ? len : 1);
    if (!exact)
        abort();
    if (len)
        memcpy(exact, input, len);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
}

static void took_too_long(int signal)
{
    (void)signal;
    shared->hangs = true;
    _exit(3);
}

static void child(double until, uint64_t state)
{
    struct rlimit size = {FILE_MAX, FILE_MAX};
    struct itimerval patience = {.it_value = {PATIENCE, 0}};
    setrlimit(RLIMIT_FSIZE, &size);
    signal(SIGVTALRM, took_too_long);
    for (uint64_t i = 0; i < seed_count || (inputs ? i < inputs : now() < until); i++) {
        next_input(i, &state);
        setitimer(ITIMER_VIRTUAL, &patience, NULL);
        run_input(shared->input, shared->len);
        shared->done++;
    }
    exit(0);
}

static void keep_input(char *path, size_t cap)
{
    const char *folder = getenv("TMPDIR");
    snprintf(path, cap, "%s/%s.XXXXXX", folder ? folder : "/tmp", name);
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, shared->input, shared->len) != (ssize_t)shared->len)
        snprintf(path, cap, "no file: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
}

static int run_all(double seconds, uint64_t state)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return 2;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        child(now() + seconds, state);
    int status = 1;
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        return 2;
    if (status == 0) {
        printf("ok %s (%u seeds, %llu inputs)\n", name, seed_count,
               (unsigned long long)shared->done);
        return 0;
    }
    char path[512];
    keep_input(path, sizeof path);
    printf("not ok %s: %s at input %llu, which is in %s\n", name,
           shared->hangs         ? "it takes too long"
           : WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
                                 : "it failed",
           (unsigned long long)shared->done, path);
    return 1;
}

static int run_files(int count, char **paths)
{
    for (int i = 0; i < count; i++) {
        FILE *f = fopen(paths[i], "rb");
        uint8_t *data = malloc(INPUT_MAX);
        if (!f || !data) {
            perror(paths[i]);
            return 2;
        }
        size_t n = fread(data, 1, INPUT_MAX, f);
        fclose(f);
        run_input(data, n);
        free(data);
    }
    return 0;
}

static int write_seeds(const char *folder)
{
    for (unsigned i = 0; i < seed_count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%04u", folder, i);
        FILE *f = fopen(path, "wb");
        if (!f || fwrite(seeds[i].data, 1, seeds[i].len, f) != seeds[i].len || fclose(f)) {
            perror(path);
            return 2;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    double seconds = 3;
    uint64_t state = 88172645463325252ull;
    const char *slash = strrchr(argv[0], '/');
    name = slash ? slash + 1 : argv[0];
    make_seeds();
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
            seconds = atof(argv[++i]);
        else if (strcmp(argv[i], "--inputs") == 0 && i + 1 < argc)
            inputs = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            state ^= strtoull(argv[++i], NULL, 10) * 0x9e3779b97f4a7c15ull;
        else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
            return write_seeds(argv[i + 1]);
        else
            return run_files(argc - i, argv + i);
    }
    return run_all(seconds, state ? state : 1);
}
