/* other_data.c: otherData, at a timeline's end: what the viewer shows as metadata, and what its
 * counts are held against.
 *
 * Nodes with their releases, losses, and clocks; the configuration; how many slices stand for what.
 * Figures are those of one file, the nodes' losses those of the run.
 */
#include "sinks/chrome/timeline.h"

/* A member with a string value; `first` has no comma in front. */
static void other_member(struct tap_chrome *c, bool first, const char *key, const char *text)
{
    char *escaped = malloc(6 * strlen(text) + strlen(key) + 16), *p = escaped;
    if (!escaped) {
        c->no_memory = true;
        return;
    }
    if (!first)
        *p++ = ',';
    *p++ = '"';
    p = tap_text_copy(p, key, strlen(key));
    p = tap_text_lit(p, "\":\"");
    p = tap_emit_escape(p, text, strlen(text));
    *p++ = '"';
    tap_writer_put(&c->w, escaped, (size_t)(p - escaped));
    free(escaped);
}

static void other_figure(struct tap_chrome *c, bool first, const char *key, uint64_t value)
{
    char *p = tap_writer_reserve(&c->w, strlen(key) + 32);
    if (!first)
        *p++ = ',';
    *p++ = '"';
    p = tap_text_copy(p, key, strlen(key));
    p = tap_text_lit(p, "\":");
    c->w.p = tap_text_u64(p, value & INT64_MAX);
}

/* The functions whose returns this node stopped to tell. */
static void other_returns_off(struct tap_chrome *c, uint32_t node)
{
    const char *between = ",\"without_returns\":[\"";
    const struct tap_returns_off_node *off = tap_returns_off_of(&c->returns_off, node);
    for (uint32_t i = 0; off && i < off->count; i++) {
        const struct tap_returns_off_function *f = &off->at[i];
        const struct tap_label *label = tap_label_get(c, f->module, f->function, f->arity);
        if (!label)
            continue;
        tap_writer_put(&c->w, between, strlen(between));
        tap_writer_put(&c->w, label->tail + label->name_off, label->name_len);
        between = "\",\"";
    }
    if (between[2] == '"')
        tap_writer_put(&c->w, "\"]", 2);
}

static void other_nodes(struct tap_chrome *c)
{
    bool first = true;
    tap_writer_put(&c->w, ",\"nodes\":[", 10);
    for (uint32_t i = 0; i < c->node_count; i++) {
        const struct tap_chrome_node *n = &c->nodes[i];
        const struct tap_node *node = c->host->node(c->host, i);
        if (!n->known || !node)
            continue;
        tap_writer_put(&c->w, first ? "{" : ",{", first ? 1 : 2);
        other_figure(c, true, "pid", i + 1);
        other_member(c, false, "name", node->name);
        other_member(c, false, "release", n->told ? node->release : "");
        other_figure(c, false, "lost", n->lost);
        other_figure(c, false, "gaps", n->gaps);
        other_figure(c, false, "gap_ns", n->gap_ns);
        char skew[24];
        *tap_text_i64(skew, n->clock_skew) = 0;
        other_member(c, false, "clock_skew_ns", skew);
        other_figure(c, false, "clock_error_ns", n->clock_error);
        other_returns_off(c, i);
        tap_writer_put(&c->w, "}", 1);
        first = false;
    }
    tap_writer_put(&c->w, "]", 1);
}

void tap_other_data(struct tap_chrome *c)
{
    const struct tap_run_info *s = c->host->run_info;
    char started[24];
    *tap_text_i64(started, s->started) = 0; /* a string: JavaScript's numbers cannot hold it */
    tap_writer_put(&c->w, ",\"otherData\":{", 14);
    other_member(c, true, "beamtap", s->version ? s->version : "");
    other_member(c, false, "run", s->run ? s->run : "");
    other_member(c, false, "started_ns", started);
    other_member(c, false, "config", s->config ? s->config : "");
    other_nodes(c);
    if (c->part > 1)
        other_figure(c, false, "part", c->part);
    const struct tap_chrome_counts *now = &c->count, *before = &c->count_before;
    other_figure(c, false, "slices", now->slices - before->slices);
    other_figure(c, false, "unfinished", now->open - before->open);
    other_figure(c, false, "unwound", now->unwound - before->unwound);
    other_figure(c, false, "collapsed", now->collapsed - before->collapsed);
    other_figure(c, false, "too_deep", now->capped - before->capped);
    other_figure(c, false, "arrows", now->arrows - before->arrows);
    other_figure(c, false, "unpaired", now->unpaired - before->unpaired);
    other_figure(c, false, "gen", now->gen - before->gen);
    other_figure(c, false, "gen_apart", now->gen_apart - before->gen_apart);
    other_figure(c, false, "evicted", now->evicted - before->evicted);
    tap_writer_put(&c->w, "}", 1);
}
