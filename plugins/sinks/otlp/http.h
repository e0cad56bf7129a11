/* http.h: requests to an OTLP collector over HTTP, one after the other over one connection.
 * Source: opentelemetry.io/docs/specs/otlp, "OTLP/HTTP".
 */
#ifndef TAP_SINKS_OTLP_HTTP_H
#define TAP_SINKS_OTLP_HTTP_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "beamtap/sink.h"

#define OTLP_WHY 256u

enum otlp_outcome {
    OTLP_TAKEN,
    OTLP_LATER,  /* it may take it another time */
    OTLP_REFUSED /* it never will */
};

struct otlp_answer {
    enum otlp_outcome outcome;
    int64_t retry_after; /* ms; -1: it did not say */
    uint64_t rejected;   /* spans, of a request that was taken */
    char why[OTLP_WHY];  /* of all but what was taken whole, for people */
};

struct otlp_http {
    CURL *easy;
    struct curl_slist *headers;
    char *url;
    bool packed; /* bodies are gzip */
    /* ms of CLOCK_MONOTONIC: a request that is under way then is broken off; 0: none is */
    atomic_int_fast64_t until;
    char error[CURL_ERROR_SIZE];
    uint8_t body[4096];
    size_t body_len, answered; /* answered: bytes of it that came, of which `body` has the first */
};

/* The address of traces, of a base or of the whole address; no I/O. TAP_INVALID with a cause. */
enum tap_status otlp_http_address(struct otlp_http *, const struct tap_host *,
                                  const char *endpoint);
/* TAP_ERROR with a cause. */
enum tap_status otlp_http_open(struct otlp_http *, const struct tap_host *, const char *ca_file,
                               const char *headers_file);
void otlp_http_close(struct otlp_http *);
void otlp_http_post(struct otlp_http *, const char *bytes, size_t len, int ms,
                    struct otlp_answer *);

/* ---- headers.c */

/* One more, as it is. False: no memory, and the list is as it was. */
bool otlp_header_add(struct curl_slist **, const char *line);
/* Those of the file, a line each, and of the environment's OTEL_EXPORTER_OTLP_HEADERS. No value is
 * ever told. TAP_ERROR with a cause. */
enum tap_status otlp_headers_read(const struct tap_host *, const char *file, struct curl_slist **);

static inline int64_t otlp_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

#endif
