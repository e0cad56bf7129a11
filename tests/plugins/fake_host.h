/* fake_host.h: a host for one filter, small enough to see through: it keeps names in a table of its
 * own and writes down what the filter reports and claims. Needs nothing of the core but its
 * headers.
 *
 * A test includes this, then the plugin's sources, makes an instance with fake_create and reads
 * fake.claims and fake.messages. Batches are made with batch_add and given to the filter with
 * fake_filter.
 */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include <stdarg.h>

#include "beamtap/filter.h"
#include "unit.h"

struct fake_claim {
    char what; /* f: function, p: process, s: send, r: receive */
    char *module, *function, *text;
    int arity, type;
    uint32_t flags;
    uint8_t *spec;
    size_t spec_len;
};
#define FAKE_MAX 64
static struct {
    struct fake_claim claims[FAKE_MAX];
    size_t claim_count;
    char messages[FAKE_MAX][640]; /* "offset: text" of fail_at, "text" of fail */
    size_t message_count;
    unsigned warnings;
    char warning[640]; /* the last one */
    int64_t counted;   /* of all its figures */
    struct tap_name names[TAP_NAME_CHUNK];
    uint32_t name_count;
    struct tap_node nodes[2];
} fake = {.name_count = 1, .names[0] = {.text = "", .atom = "''"}};

static const struct tap_name *fake_chunk = fake.names;
static const struct tap_names fake_names = {
    .struct_size = sizeof fake_names, .name_size = sizeof(struct tap_name), .chunks = &fake_chunk};

static void fake_say(const char *prefix, const char *format, va_list args)
{
    if (fake.message_count == FAKE_MAX)
        return;
    char *dst = fake.messages[fake.message_count++];
    int n = snprintf(dst, sizeof fake.messages[0], "%s", prefix);
    vsnprintf(dst + n, sizeof fake.messages[0] - (size_t)n, format, args);
}
static void fake_log(const struct tap_host *h, enum tap_log_level level, const char *format, ...)
{
    va_list args;
    (void)h;
    if (level != TAP_LOG_WARNING)
        return;
    fake.warnings++;
    va_start(args, format);
    vsnprintf(fake.warning, sizeof fake.warning, format, args);
    va_end(args);
}
static enum tap_status fake_fail(const struct tap_host *h, enum tap_status status, const char *file,
                                 int line, const char *format, ...)
{
    va_list args;
    (void)h, (void)file, (void)line;
    va_start(args, format);
    fake_say("", format, args);
    va_end(args);
    return status;
}
static enum tap_status fake_fail_at(const struct tap_host *h, const struct tap_text *where,
                                    size_t offset, const char *format, ...)
{
    va_list args;
    char prefix[32];
    (void)h;
    CU_ASSERT_FATAL(offset <=
                    /* a place outside of the text would be read by the core */
                    strlen(where->text));
    snprintf(prefix, sizeof prefix, "%zu: ", offset);
    va_start(args, format);
    fake_say(prefix, format, args);
    va_end(args);
    return TAP_INVALID;
}
static uint32_t fake_intern(const struct tap_host *h, const char *text, size_t len)
{
    (void)h;
    for (uint32_t i = 0; i < fake.name_count; i++)
        if (strlen(fake.names[i].text) == len && memcmp(fake.names[i].text, text, len) == 0)
            return i;
    if (fake.name_count == TAP_NAME_CHUNK)
        return 0;
    fake.names[fake.name_count] =
        (struct tap_name){.id = fake.name_count, .text = strndup(text, len)};
    return fake.name_count++;
}
static inline uint32_t fake_name(const char *text)
{
    return fake_intern(NULL, text, strlen(text));
}
static const struct tap_node *fake_node(const struct tap_host *h, uint32_t index)
{
    (void)h;
    return index < 2 ? &fake.nodes[index] : NULL;
}
static void fake_count(const struct tap_host *h, const char *name, int64_t n)
{
    (void)h, (void)name;
    fake.counted += n;
}

static char *fake_copy(const char *text)
{
    return text ? strdup(text) : NULL;
}
static struct fake_claim *fake_claim(char what, uint32_t flags, const uint8_t *spec,
                                     size_t spec_len)
{
    struct fake_claim *c = &fake.claims[fake.claim_count++ % FAKE_MAX];
    *c = (struct fake_claim){.what = what, .flags = flags, .spec_len = spec_len};
    if (spec) {
        c->spec = malloc(spec_len);
        memcpy(c->spec, spec, spec_len);
    }
    return c;
}
static void fake_claim_function(struct tap_claim *t, const struct tap_plan_function *f)
{
    (void)t;
    struct fake_claim *c = fake_claim('f', f->flags, f->spec, f->spec_len);
    c->module = fake_copy(f->module), c->function = fake_copy(f->function), c->arity = f->arity;
}
static void fake_claim_process(struct tap_claim *t, const struct tap_plan_process *p)
{
    (void)t;
    struct fake_claim *c = fake_claim('p', p->flags, NULL, 0);
    c->text = fake_copy(p->text), c->type = (int)p->type;
}
static void fake_claim_send(struct tap_claim *t, const struct tap_plan_message *m)
{
    (void)t;
    fake_claim('s', m->flags, m->spec, m->spec_len);
}
static void fake_claim_receive(struct tap_claim *t, const struct tap_plan_message *m)
{
    (void)t;
    fake_claim('r', m->flags, m->spec, m->spec_len);
}

static const struct tap_filter_host fake_filter_host = {.struct_size = sizeof fake_filter_host,
                                                        .claim_function = fake_claim_function,
                                                        .claim_process = fake_claim_process,
                                                        .claim_send = fake_claim_send,
                                                        .claim_receive = fake_claim_receive};
static struct tap_run_info fake_run = {.struct_size = sizeof fake_run};
static const struct tap_host fake_host = {.struct_size = sizeof fake_host,
                                          .abi_minor = TAP_ABI_MINOR,
                                          .names = &fake_names,
                                          .run_info = &fake_run,
                                          .log = fake_log,
                                          .fail = fake_fail,
                                          .fail_at = fake_fail_at,
                                          .intern = fake_intern,
                                          .node = fake_node,
                                          .count = fake_count,
                                          .filter = &fake_filter_host};

static void fake_forget(void)
{
    for (size_t i = 0; i < fake.claim_count && i < FAKE_MAX; i++) {
        struct fake_claim *c = &fake.claims[i];
        free(c->module), free(c->function), free(c->text), free(c->spec);
    }
    fake.claim_count = fake.message_count = 0;
    fake.warnings = 0;
    fake.counted = 0;
}

static const struct tap_filter_ops *fake_ops(void)
{
    return beamtap_plugin_v1()->ops;
}
/* An instance with these settings, and its claims; NULL: see fake.messages. */
static void *fake_create(const void *settings)
{
    void *self = NULL;
    fake_forget();
    enum tap_status status = fake_ops()->create(&fake_host, settings, &self);
    CU_ASSERT((status == TAP_OK) == (self != NULL));
    CU_ASSERT((status == TAP_OK) == (fake.message_count == 0));
    if (self && fake_ops()->plan)
        CU_ASSERT(fake_ops()->plan(self, NULL) == TAP_OK);
    return self;
}
/* A list of texts; the array is the caller's. */
static inline struct tap_text_list fake_list(struct tap_text *items, const char *const *texts)
{
    size_t n = 0;
    for (; texts[n]; n++)
        items[n] = (struct tap_text){.text = texts[n], .file = "test.ini", .line = 1, .column = 1};
    return (struct tap_text_list){n, items};
}

/* ---- Batches */

static struct tap_event fake_events[64];
static uint8_t fake_arena[4096];
static struct tap_batch fake_batch = {.struct_size = sizeof fake_batch,
                                      .event_size = sizeof fake_events[0],
                                      .events = fake_events,
                                      .arena = fake_arena};

/* A new event of this kind, by process <0.id.0> of node 0. */
static inline struct tap_event *batch_add(unsigned kind, uint32_t id)
{
    struct tap_event *e = &fake_events[fake_batch.count++];
    *e = (struct tap_event){.kind = (uint8_t)kind, .arity = -1};
    e->pid = (struct tap_pid){.node = fake.nodes[0].name_id, .id = id, .creation = 7};
    return e;
}
static inline struct tap_span batch_term(const void *bytes, size_t len)
{
    struct tap_span s = {fake_batch.arena_len, (uint32_t)len};
    CU_ASSERT_FATAL(len <= sizeof fake_arena - fake_batch.arena_len);
    memcpy(fake_arena + fake_batch.arena_len, bytes, len);
    fake_batch.arena_len += (uint32_t)len;
    return s;
}
/* Judges the batch, empties it, and gives one character an event: + or -. Valid until the next
 * call. */
static inline const char *fake_filter(void *self)
{
    static char verdict[65];
    uint8_t keep[64];
    memset(keep, 1, sizeof keep);
    fake_ops()->filter(self, &fake_batch, keep);
    for (uint32_t i = 0; i < fake_batch.count; i++)
        verdict[i] = keep[i] ? '+' : '-';
    verdict[fake_batch.count] = 0;
    fake_batch.count = fake_batch.arena_len = 0;
    return verdict;
}

#endif
