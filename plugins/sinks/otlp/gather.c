/* gather.c: spans that have ended, node by node, until they are sent together. */
#include <stdio.h>

#include "sinks/otlp/otlp.h"

enum { RESOURCE_SPANS = 1 };                /* of ExportTraceServiceRequest */
enum { RESOURCE = 1, SCOPE_SPANS = 2 };     /* of ResourceSpans */
enum { RESOURCE_ATTRIBUTES = 1 };           /* of Resource */
enum { SCOPE = 1 };                         /* of ScopeSpans, whose spans are there already */
enum { SCOPE_NAME = 1, SCOPE_VERSION = 2 }; /* of InstrumentationScope */

/* ---- Nodes */

/* A collector may refuse a whole request for one text that is no UTF-8, and what others named need
 * not be: interned it is. Only where that table is full it is left out. */
static void said(struct otlp *o, const char *key, const char *text, size_t len)
{
    const struct tap_name *name = tap_name_get(o->host, o->host->intern(o->host, text, len));
    if (name->len)
        otlp_text(o, RESOURCE_ATTRIBUTES, key, name->text, name->len);
}

/* Whose spans they are: each node is an instance of a service. */
static void resource_put(struct otlp *o, const struct tap_node *node)
{
    const struct tap_run_info *run = o->host->run_info;
    const char *name = node && node->name[0] ? node->name : "node", *at = strchr(name, '@');
    const char *service = o->settings->service;
    size_t len = at ? (size_t)(at - name) : strlen(name);
    struct tap_pb resource = tap_pb_begin(&o->w, RESOURCE, 2);
    if (service && *service)
        said(o, "service.name", service, strlen(service));
    else
        said(o, "service.name", name, len);
    said(o, "service.instance.id", name, strlen(name));
    if (at)
        said(o, "host.name", at + 1, strlen(at + 1));
    said(o, "process.runtime.name", "BEAM", 4);
    if (node && node->release[0]) {
        char text[64];
        int n = snprintf(text, sizeof text, "Erlang/OTP %.40s", node->release);
        said(o, "process.runtime.description", text, (size_t)n);
    }
    said(o, "telemetry.sdk.name", "beamtap", 7);
    said(o, "telemetry.sdk.language", "erlang", 6);
    said(o, "telemetry.sdk.version", run->version, strlen(run->version));
    said(o, "beamtap.run", run->run, strlen(run->run));
    tap_pb_end(&o->w, resource);
}

struct otlp_node *otlp_node(struct otlp *o, uint32_t index, bool again)
{
    if (index >= o->node_count) {
        uint32_t count = index + 16;
        struct otlp_node *nodes = realloc(o->nodes, count * sizeof *nodes);
        if (!nodes)
            return NULL;
        memset(nodes + o->node_count, 0, (count - o->node_count) * sizeof *nodes);
        o->nodes = nodes;
        o->node_count = count;
    }
    struct otlp_node *n = &o->nodes[index];
    if (n->known && !again)
        return n;
    const struct tap_node *node = o->host->node(o->host, index);
    tap_writer_drop(&o->w);
    resource_put(o, node);
    size_t len = tap_writer_here(&o->w);
    char *resource = o->w.failed ? NULL : malloc(len);
    if (!resource)
        return NULL;
    memcpy(resource, tap_writer_begun(&o->w), len);
    tap_writer_drop(&o->w);
    free(n->resource);
    n->resource = resource;
    n->resource_len = len;
    n->hash = node ? tap_map_bytes(node->name, strlen(node->name)) : 1;
    n->known = true;
    return n;
}

/* ---- Spans */

void otlp_gather(struct otlp *o, uint32_t node, uint32_t events)
{
    struct tap_buf *spans = &o->nodes[node].spans;
    size_t before = spans->len;
    if (!o->w.failed)
        tap_buf_put(spans, tap_writer_begun(&o->w), tap_writer_here(&o->w));
    tap_writer_drop(&o->w);
    if (spans->len == before) /* no memory */
        return;
    o->gathered_bytes += spans->len - before;
    o->gathered_spans++;
    o->gathered_events += events;
    if (o->gathered_spans >= o->settings->batch || o->gathered_bytes >= OTLP_REQUEST)
        otlp_send(o);
}

static void node_put(struct otlp *o, struct otlp_node *n)
{
    const char *version = o->host->run_info->version;
    struct tap_pb all = tap_pb_begin(&o->w, RESOURCE_SPANS, 4);
    tap_writer_put(&o->w, n->resource, n->resource_len);
    struct tap_pb spans = tap_pb_begin(&o->w, SCOPE_SPANS, 4),
                  scope = tap_pb_begin(&o->w, SCOPE, 1);
    tap_pb_bytes(&o->w, SCOPE_NAME, "beamtap", 7);
    tap_pb_bytes(&o->w, SCOPE_VERSION, version, strlen(version));
    tap_pb_end(&o->w, scope);
    tap_writer_put(&o->w, n->spans.data, n->spans.len);
    tap_pb_end(&o->w, spans);
    tap_pb_end(&o->w, all);
    n->spans.len = 0;
    if (n->spans.cap > OTLP_REQUEST / 16) /* there may be many nodes */
        tap_buf_free(&n->spans);
}

bool otlp_send(struct otlp *o)
{
    if (!o->gathered_spans)
        return true;
    tap_writer_drop(&o->w);
    for (uint32_t i = 0; i < o->node_count; i++)
        if (o->nodes[i].spans.len)
            node_put(o, &o->nodes[i]);
    size_t len = tap_writer_here(&o->w);
    char *bytes = o->w.failed ? NULL : malloc(len);
    if (bytes) {
        memcpy(bytes, tap_writer_begun(&o->w), len);
        otlp_sender_push(o->sender, bytes, len, o->gathered_spans, o->gathered_events);
    }
    tap_writer_drop(&o->w);
    o->gathered_bytes = o->gathered_spans = 0;
    o->gathered_events = 0;
    return bytes != NULL;
}
