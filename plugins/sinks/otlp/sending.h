/* sending.h: between sender.c, which is on the sink's thread, and sending.c, which is the other. */
#ifndef TAP_SINKS_OTLP_SENDING_H
#define TAP_SINKS_OTLP_SENDING_H

#include <pthread.h>

#include "sinks/common/gzip.h"
#include "sinks/otlp/http.h"
#include "sinks/otlp/sender.h"

struct otlp_request {
    struct otlp_request *next;
    char *bytes;
    size_t len, held; /* held: what the buffer counts it as */
    uint32_t spans;
    uint64_t events;
    bool packed;
};

struct otlp_sender {
    const struct tap_host *host;
    const struct otlp_settings *settings;
    struct otlp_http http; /* the thread's */
    struct tap_gzip *pack; /* NULL: bodies are sent as they are */
    pthread_t thread;
    bool threaded, told; /* told: why it failed */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* behind the lock */
    struct otlp_request *first, **last;
    size_t bytes;          /* held by all */
    bool stopping;         /* no more will come */
    bool done;             /* the thread has ended */
    bool ordered;          /* somebody wants the end: what is taken gives no more time */
    int64_t at_most;       /* ms: until when it gives more at the longest */
    int64_t until;         /* ms: then the rest is given up; 0: no end is in sight */
    bool failed;           /* it is no use to go on: `why` */
    int64_t down_since;    /* ms: nothing is taken since; 0: the last one was taken */
    bool waited_out;       /* `timeout` was waited for room, and nothing was taken since */
    int64_t taken_at;      /* ms: when one was taken last */
    bool ever;             /* one was taken */
    uint64_t events, sent; /* taken, and bytes, and not told to the host yet */
    uint64_t refused, crowded, late; /* spans lost: by the collector, without room, at the end */
    char why[OTLP_WHY];              /* the last thing that went wrong */
};

/* The thread. */
void *otlp_sending(void *sender);
/* The rest behind the lock. */
void otlp_sending_wait(struct otlp_sender *, int64_t ms);
struct otlp_request *otlp_sending_take(struct otlp_sender *); /* the first one, out of the buffer */
void otlp_request_free(struct otlp_request *);
/* From when the end is wanted: for the next request. */
void otlp_sending_give_time(struct otlp_sender *);
/* Says so the first time. */
void otlp_sending_lost(struct otlp_sender *, uint64_t before, const char *what);

#endif
