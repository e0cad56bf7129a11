/* chrome_check.h: judges a trace that the chrome sink wrote.
 *
 * Every rule of the format that can be checked without a viewer: times strictly increase on a
 * track, slices nest and are not too deep, arrows have two ends that stand on slices and go
 * forward, names are not empty, counters are numbers. And all events of the stream are accounted
 * for.
 */
#ifndef CHROME_JUDGE_H
#define CHROME_JUDGE_H

#include "chrome_stream.h"

/* ---- Judging */

struct chrome_span {
    int64_t track, start, end; /* end INT64_MAX: never ended */
    const cJSON *ev;
    bool instant;
};

static const char *chrome_str(const cJSON *ev, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(ev, key));
    return text ? text : "";
}
static int64_t chrome_num(const cJSON *ev, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(ev, key);
    return cJSON_IsNumber(v) ? (int64_t)llround(v->valuedouble) : -1;
}
static int64_t chrome_ns(const cJSON *ev, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(ev, key);
    return cJSON_IsNumber(v) ? (int64_t)llround(v->valuedouble * 1000) : -1;
}
static inline const char *chrome_arg(const cJSON *ev, const char *key)
{
    return chrome_str(cJSON_GetObjectItemCaseSensitive(ev, "args"), key);
}
static int64_t chrome_track(const cJSON *ev)
{
    return chrome_num(ev, "pid") << 32 | chrome_num(ev, "tid");
}

static int chrome_order(const void *a, const void *b)
{
    const struct chrome_span *x = a, *y = b;
    if (x->track != y->track)
        return x->track < y->track ? -1 : 1;
    return x->start < y->start ? -1 : x->start > y->start;
}
static int chrome_order_i64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* One message for each broken rule, not one for each event that breaks it. */
#define RULE(ok, what)                                          \
    do {                                                        \
        static int told;                                        \
        if (!(ok) && told++ < 3) {                              \
            char *text_ = cJSON_PrintUnformatted(ev);           \
            printf("# %s: %.300s\n", what, text_ ? text_ : ""); \
            free(text_);                                        \
        }                                                       \
        if (!(ok))                                              \
            broken++;                                           \
    } while (0)

static int chrome_check_fields(const cJSON *ev)
{
    int broken = 0;
    const char *ph = chrome_str(ev, "ph");
    int64_t pid = chrome_num(ev, "pid"), tid = chrome_num(ev, "tid");
    RULE(strlen(ph) == 1 && strchr("XBiCMsfbe", ph[0]), "phase");
    RULE(*chrome_str(ev, "name") && *chrome_str(ev, "cat"), "name and cat");
    RULE(pid >= 1 && tid >= 1 && pid < 1ll << 32 && tid < 1ll << 32, "pid and tid");
    RULE(chrome_ns(ev, "ts") >= 0, "ts");
    RULE((*ph == 'X') == (chrome_ns(ev, "dur") > 0), "dur");
    if (*ph == 'b') /* apart from the tracks: begin and end are written together */
        RULE(ev->next && *chrome_str(ev->next, "ph") == 'e' && *chrome_str(ev, "id") &&
                 strcmp(chrome_str(ev, "id"), chrome_str(ev->next, "id")) == 0 &&
                 chrome_ns(ev, "ts") < chrome_ns(ev->next, "ts"),
             "what is apart has an end");
    RULE(*ph != 'e' || (ev->prev && *chrome_str(ev->prev, "ph") == 'b'),
         "what is apart has a begin");
    RULE(*ph != 'i' || strchr("tpg", *chrome_str(ev, "s")), "scope of an instant");
    RULE(*ph != 'f' || strcmp(chrome_str(ev, "bp"), "e") == 0, "bp");
    RULE(!cJSON_GetObjectItem(ev, "cname") && !cJSON_GetObjectItem(ev, "sf"), "forbidden members");
    const cJSON *args = cJSON_GetObjectItem(ev, "args"), *item;
    if (*ph == 'C')
        cJSON_ArrayForEach(item, args) RULE(cJSON_IsNumber(item), "counters are numeric");
    if (*ph == 'C')
        RULE(strchr(chrome_str(ev, "name"), '['), "pid in a counter's name");
    if (*ph == 'M') {
        const char *known[] = {"process_name", "process_labels", "process_sort_index",
                               "thread_name", "thread_sort_index"};
        bool found = false;
        for (int i = 0; i < 5; i++)
            found |= strcmp(chrome_str(ev, "name"), known[i]) == 0;
        RULE(found, "kind of metadata");
        cJSON_ArrayForEach(item, args)
            RULE(!cJSON_IsString(item) || *item->valuestring, "empty metadata");
    }
    return broken;
}

/* On each track: all times differ, slices nest, none is too deep. `spans` are in order. */
static int chrome_check_tracks(const struct chrome_span *spans, size_t n)
{
    int broken = 0;
    int64_t *times = malloc((2 * n + 1) * sizeof *times);
    const struct chrome_span **open = malloc((n + 1) * sizeof *open);
    for (size_t from = 0, to; from < n; from = to) {
        size_t depth = 0, count = 0;
        for (to = from; to < n && spans[to].track == spans[from].track; to++) {
            const cJSON *ev = spans[to].ev;
            while (depth && open[depth - 1]->end < spans[to].start)
                depth--;
            RULE(!depth || spans[to].end < open[depth - 1]->end || spans[to].end == INT64_MAX,
                 "children end in parents");
            RULE(!depth || spans[to].end != INT64_MAX || open[depth - 1]->end == INT64_MAX,
                 "only the open hold the open");
            times[count++] = spans[to].start;
            if (spans[to].instant)
                continue;
            open[depth++] = &spans[to];
            RULE(depth <= 510, "depth");
            if (spans[to].end != INT64_MAX)
                times[count++] = spans[to].end;
        }
        qsort(times, count, sizeof *times, chrome_order_i64);
        const cJSON *ev = spans[from].ev;
        for (size_t i = 1; i < count; i++)
            RULE(times[i] > times[i - 1], "times strictly increase");
    }
    free(times);
    free(open);
    return broken;
}

/* Is there a slice on the event's track that begins at its time? */
static bool chrome_stands(const struct chrome_span *spans, size_t n, const cJSON *ev)
{
    struct chrome_span key = {.track = chrome_track(ev), .start = chrome_ns(ev, "ts")};
    const struct chrome_span *at = bsearch(&key, spans, n, sizeof *spans, chrome_order);
    return at && !at->instant && at->end > at->start;
}

static int chrome_check_flows(const cJSON *events, const struct chrome_span *spans, size_t n)
{
    int broken = 0;
    const cJSON *ev;
    char last[32] = "";
    cJSON_ArrayForEach(ev, events)
    {
        const char *ph = chrome_str(ev, "ph");
        if (*ph != 's' && *ph != 'f')
            continue;
        const cJSON *pair = *ph == 's' ? ev->next : ev->prev; /* the two are written together */
        RULE(pair && *chrome_str(pair, "ph") == (*ph == 's' ? 'f' : 's'), "an arrow has two ends");
        RULE(pair && strcmp(chrome_str(pair, "id"), chrome_str(ev, "id")) == 0,
             "the ends have one id");
        RULE(pair && strcmp(chrome_str(pair, "cat"), chrome_str(ev, "cat")) == 0 &&
                 strcmp(chrome_str(pair, "name"), chrome_str(ev, "name")) == 0,
             "the ends have one cat and name");
        RULE(chrome_stands(spans, n, ev), "an end stands on a slice");
        if (*ph == 'f') {
            RULE(pair && chrome_ns(ev, "ts") > chrome_ns(pair, "ts"), "an arrow goes forward");
            continue;
        }
        RULE(strncmp(chrome_str(ev, "id"), "0x", 2) == 0 && strcmp(chrome_str(ev, "id"), last) != 0,
             "ids are new");
        snprintf(last, sizeof last, "%s", chrome_str(ev, "id"));
    }
    return broken;
}

/* Checks all rules on a list of events. */
static void chrome_check(const cJSON *events)
{
    int broken = 0;
    size_t n = 0, cap = (size_t)cJSON_GetArraySize(events) + 1;
    struct chrome_span *spans = calloc(cap, sizeof *spans);
    const cJSON *ev;
    cJSON_ArrayForEach(ev, events)
    {
        broken += chrome_check_fields(ev);
        char ph = *chrome_str(ev, "ph");
        int64_t ts = chrome_ns(ev, "ts");
        if (ph == 'X' || ph == 'B' || ph == 'i')
            spans[n++] = (struct chrome_span){chrome_track(ev), ts,
                                              ph == 'X'   ? ts + chrome_ns(ev, "dur")
                                              : ph == 'B' ? INT64_MAX
                                                          : ts,
                                              ev, ph == 'i'};
    }
    qsort(spans, n, sizeof *spans, chrome_order);
    broken += chrome_check_tracks(spans, n);
    broken += chrome_check_flows(events, spans, n);
    CU_ASSERT_EQUAL(broken, 0);
    free(spans);
}

/* Ends the stream; its events, judged. The caller frees the result with cJSON_Delete, and the
 * stream. */
static cJSON *chrome_close(struct chrome_stream *s)
{
    CU_ASSERT_EQUAL(chrome_feed(s), TAP_OK);
    CU_ASSERT_EQUAL(s->ops->flush(s->self), TAP_OK);
    CU_ASSERT_EQUAL(s->ops->stop(s->self), TAP_OK);
    cJSON *root = chrome_parse(s->path);
    CU_ASSERT_STRING_EQUAL(chrome_str(root, "displayTimeUnit"), "ns");
    CU_ASSERT_PTR_EQUAL(root ? root->child : NULL, cJSON_GetObjectItem(root, "displayTimeUnit"));
    chrome_check(cJSON_GetObjectItem(root, "traceEvents"));
    CU_ASSERT_EQUAL(s->written, s->fed);
    if (s->written != s->fed)
        printf("# written %llu of %llu\n", (unsigned long long)s->written,
               (unsigned long long)s->fed);
    return root;
}

/* ---- Looking */

/* The nth event (from 0) with this phase and name; NULL: there is none. */
static const cJSON *chrome_find(const cJSON *root, char ph, const char *name, int nth)
{
    const cJSON *ev,
        *events = cJSON_IsArray(root) ? root : cJSON_GetObjectItem(root, "traceEvents");
    cJSON_ArrayForEach(ev, events)
    {
        if (*chrome_str(ev, "ph") == ph && strcmp(chrome_str(ev, "name"), name) == 0 && nth-- == 0)
            return ev;
    }
    return NULL;
}
static inline int chrome_total(const cJSON *root, char ph, const char *name)
{
    int n = 0;
    while (chrome_find(root, ph, name, n))
        n++;
    return n;
}
/* The name of the track that an event is on, as the last word says. */
static inline const char *chrome_track_name(const cJSON *root, const cJSON *ev)
{
    const char *name = "";
    const cJSON *m;
    for (int i = 0; ev && (m = chrome_find(root, 'M', "thread_name", i)); i++)
        if (chrome_track(m) == chrome_track(ev))
            name = chrome_arg(m, "name");
    return name;
}

#endif
