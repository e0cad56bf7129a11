/* lives.c: see lives.h. Which of the core's nodes each is, is known by the core's number: two that
 * are alive at once are never the same. */
#include "transports/file/lives.h"

#include <stdio.h>

static struct tap_source_node **who(struct tap_player *p, uint32_t index)
{
    if (index >= p->who_count) {
        uint32_t count = index + 16;
        struct tap_source_node **more = realloc(p->who, count * sizeof *more);
        if (!more)
            return NULL;
        memset(more + p->who_count, 0, (count - p->who_count) * sizeof *more);
        p->who = more;
        p->who_count = count;
    }
    return &p->who[index];
}

static bool add(struct tap_player *p, struct tap_source_node *n, const char *name)
{
    n->index = p->host->transport->node_add(p->host, name);
    return n->index != UINT32_MAX;
}

/* Two files may hold one node at one time: as two runs saw it. Then it is two. */
static enum tap_status find_index(struct tap_player *p, const struct tap_source *s,
                                  struct tap_source_node *n)
{
    struct tap_source_node **is = who(p, n->index);
    for (unsigned again = 2; is && *is; again++) {
        char name[1100];
        snprintf(name, sizeof name, "%s/%u", n->name, again);
        if (!add(p, n, name))
            return TAP_ERROR;
        is = who(p, n->index);
        if (is && !*is)
            p->host->log(p->host, TAP_LOG_WARNING,
                         "%s is in more than one of the files at the same time: as %s has it, it "
                         "is called %s",
                         n->name, s->path, name);
    }
    if (!is)
        return TAP_FAIL(p->host, TAP_ERROR, "out of memory");
    *is = n;
    return TAP_OK;
}

enum tap_status tap_life_begin(struct tap_player *p, const struct tap_source *s,
                               struct tap_source_node *n)
{
    if (find_index(p, s, n) != TAP_OK)
        return TAP_ERROR;
    p->host->transport->node_state(p->host, n->index, TAP_NODE_CONNECTING, NULL);
    n->alive = true;
    n->traced = false;
    n->next = n->base = 0;
    return TAP_OK;
}

void tap_life_end(struct tap_player *p, struct tap_source_node *n, bool failed)
{
    struct tap_node_final final = {.struct_size = sizeof final, .produced = n->next};
    if (n->alive) {
        p->host->transport->node_state(p->host, n->index, failed ? TAP_NODE_FAILED : TAP_NODE_DONE,
                                       &final);
        *who(p, n->index) = NULL;
    }
    n->ended += n->alive;
    n->alive = n->traced = n->told = false;
    n->pace.known = false; /* its next life has another clock */
}

static bool has_lived(const struct tap_player *p, uint32_t index)
{
    for (const struct tap_source *s = p->sources; s < p->sources + p->source_count; s++)
        for (size_t k = 0; k < TAP_SOURCE_NODES; k++) {
            const struct tap_source_node *n = &s->nodes[k];
            if (n->known && n->index == index && (n->alive || n->ended))
                return true;
        }
    return false;
}

void tap_life_of_none(struct tap_player *p)
{
    for (const struct tap_source *s = p->sources; s < p->sources + p->source_count; s++)
        for (size_t k = 0; k < TAP_SOURCE_NODES; k++) {
            const struct tap_source_node *n = &s->nodes[k];
            if (n->known && !n->twin && !has_lived(p, n->index))
                p->host->transport->node_state(p->host, n->index, TAP_NODE_SAME, NULL);
        }
}

/* Each part of a run's recording has its nodes' reports: those of the first are played. */
static struct tap_source_node *twin_of(struct tap_player *p, const struct tap_source *s,
                                       const char *name)
{
    for (struct tap_source *o = p->sources; s->joint && o < s; o++)
        for (size_t i = 0;
             o->told.run && strcmp(o->told.run, s->told.run) == 0 && i < TAP_SOURCE_NODES; i++)
            if (o->nodes[i].known && !o->nodes[i].twin && strcmp(o->nodes[i].name, name) == 0)
                return &o->nodes[i];
    return NULL;
}

enum tap_status tap_life_named(struct tap_player *p, struct tap_source *s, struct tap_cursor *c)
{
    const uint8_t *text;
    uint32_t len;
    struct tap_source_node *n = &s->nodes[s->header.node];
    if (!tap_read_binary(c, &text, &len) || len == 0 || len >= 1024 || n->known)
        return tap_source_bad(s);
    for (uint32_t i = 0; i < len; i++)
        if (text[i] < ' ' || text[i] == 127) /* it goes to terminals as it is */
            return tap_source_bad(s);
    n->name = strndup((const char *)text, len);
    if (!n->name)
        return TAP_FAIL(p->host, TAP_ERROR, "out of memory");
    n->of = s;
    n->twin = twin_of(p, s, n->name);
    n->known = n->twin || n->alive || add(p, n, n->name); /* alive: see tap_life_goes_on */
    return n->known ? TAP_OK : TAP_ERROR;
}

bool tap_life_goes_on(struct tap_player *p, const struct tap_source *s, struct tap_source_node *n)
{
    struct tap_source *next = NULL;
    for (size_t i = 0; i < p->source_count && s->port; i++) {
        struct tap_source *o = &p->sources[i];
        if (o != s && o->port && !o->begun && strcmp(o->port->frames.node, n->name) == 0 &&
            (!next || o->started < next->started))
            next = o;
    }
    if (!next || !n->alive)
        return false;
    struct tap_source_node *m = &next->nodes[0];
    m->alive = true;
    m->traced = n->traced;
    m->index = n->index;
    m->base = n->next;
    n->alive = false;
    *who(p, n->index) = m;
    return true;
}
