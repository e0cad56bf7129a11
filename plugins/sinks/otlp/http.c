/* http.c: see http.h. */
#include "sinks/otlp/http.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "syntax/chars.h"

#define PATH "/v1/traces"
/* Bytes of an answer; one that goes on is as good as its status. */
#define BODY_MOST ((size_t)1 << 20)
#define CONNECT_MOST 5000L      /* ms */
#define RETRY_AFTER_MOST 60000L /* ms: who asks for longer is asked again then */

/* ---- The address */

static char *part(CURLU *u, CURLUPart which)
{
    char *text = NULL;
    return curl_url_get(u, which, &text, 0) == CURLUE_OK ? text : NULL;
}

/* With this word of small letters, in any case of its own. */
static bool begins(const char *text, const char *word)
{
    while (*word && tap_syn_lower(*text) == *word)
        text++, word++;
    return !*word;
}

/* What cannot be meant; NULL: nothing. The address is in outputs and logs: no secrets. */
static const char *wrong_with(CURLU *u, const char *endpoint)
{
    if (!begins(endpoint, "http://") && !begins(endpoint, "https://"))
        return "it begins with neither http:// nor https://";
    if (curl_url_set(u, CURLUPART_URL, endpoint, 0) != CURLUE_OK)
        return "it is no address";
    char *user = part(u, CURLUPART_USER), *query = part(u, CURLUPART_QUERY),
         *fragment = part(u, CURLUPART_FRAGMENT);
    const char *wrong = user ? "a user in it would be told in outputs: say 'Authorization: "
                               "Basic ...' in headers_file"
                        : query || fragment
                            ? "what stands behind ? or # would be told in outputs: say it in "
                              "headers_file"
                            : NULL;
    curl_free(user);
    curl_free(query);
    curl_free(fragment);
    return wrong;
}

static char *whole_address(CURLU *u)
{
    char *path = part(u, CURLUPART_PATH), *url = NULL, *copy = NULL;
    size_t len = path ? strlen(path) : 0, n = sizeof PATH - 1;
    char *longer = path ? malloc(len + sizeof PATH) : NULL;
    if (longer) {
        memcpy(longer, path, len + 1);
        while (len && longer[len - 1] == '/')
            len--;
        longer[len] = 0;
        if (len < n || memcmp(longer + len - n, PATH, n) != 0)
            memcpy(longer + len, PATH, sizeof PATH);
        if (curl_url_set(u, CURLUPART_PATH, longer, 0) == CURLUE_OK)
            url = part(u, CURLUPART_URL);
    }
    if (url)
        copy = strdup(url);
    curl_free(url);
    curl_free(path);
    free(longer);
    return copy;
}

enum tap_status otlp_http_address(struct otlp_http *http, const struct tap_host *host,
                                  const char *endpoint)
{
    CURLU *u = curl_url();
    const char *wrong = u ? wrong_with(u, endpoint) : NULL;
    if (u && !wrong)
        http->url = whole_address(u);
    curl_url_cleanup(u);
    if (wrong) /* without it: a secret may be in it */
        return TAP_FAIL(host, TAP_INVALID, "endpoint: %s", wrong);
    return http->url ? TAP_OK : TAP_FAIL(host, TAP_ERROR, "out of memory");
}

/* ---- The connection */

static size_t take_body(char *bytes, size_t size, size_t n, void *self)
{
    struct otlp_http *http = self;
    size_t room = sizeof http->body - http->body_len, take = size * n < room ? size * n : room;
    memcpy(http->body + http->body_len, bytes, take);
    http->body_len += take;
    http->answered += size * n;
    return http->answered < BODY_MOST ? size * n : 0; /* 0: breaks it off */
}

static int broken_off(void *self, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct otlp_http *http = self;
    (void)a, (void)b, (void)c, (void)d;
    int64_t until = atomic_load(&http->until);
    return until && otlp_now() >= until;
}

/* Other sinks start programs, which are not to have it. */
static curl_socket_t open_socket(void *self, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)self, (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void set_options(struct otlp_http *http, const char *ca_file)
{
    CURL *c = http->easy;
    curl_easy_setopt(c, CURLOPT_URL, http->url);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, http->headers);
    curl_easy_setopt(c, CURLOPT_POST, 1L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L); /* headers may be secrets */
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, http->error);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, http);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, broken_off);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, http);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MOST);
    if (ca_file)
        curl_easy_setopt(c, CURLOPT_CAINFO, ca_file);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* who asks for a name is not waited for where its time is over */
    curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);
#endif
}

enum tap_status otlp_http_open(struct otlp_http *http, const struct tap_host *host,
                               const char *ca_file, const char *headers_file)
{
    if (otlp_headers_read(host, headers_file, &http->headers) != TAP_OK)
        return TAP_ERROR;
    char agent[64];
    snprintf(agent, sizeof agent, "User-Agent: beamtap/%.32s", host->run_info->version);
    struct curl_slist **to = &http->headers;
    bool good = otlp_header_add(to, "Content-Type: application/x-protobuf") &&
                otlp_header_add(to, agent) && otlp_header_add(to, "Expect:") &&
                (!http->packed || otlp_header_add(to, "Content-Encoding: gzip"));
    http->easy = good ? curl_easy_init() : NULL;
    if (!http->easy)
        return TAP_FAIL(host, TAP_ERROR, "out of memory");
    set_options(http, ca_file);
    return TAP_OK;
}

void otlp_http_close(struct otlp_http *http)
{
    curl_easy_cleanup(http->easy);
    curl_slist_free_all(http->headers);
    free(http->url);
    *http = (struct otlp_http){.easy = NULL};
}

/* ---- Answers */

static bool read_varint(const uint8_t **p, const uint8_t *end, uint64_t *v)
{
    *v = 0;
    for (unsigned shift = 0; *p < end && shift < 64; shift += 7) {
        uint8_t byte = *(*p)++;
        *v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

/* The next field: a number, or bytes (whose length is *v, and which are at *bytes). */
static bool read_field(const uint8_t **p, const uint8_t *end, uint64_t *field, uint64_t *v,
                       const uint8_t **bytes)
{
    *bytes = NULL;
    if (!read_varint(p, end, field) || ((*field & 7) != 0 && (*field & 7) != 2) ||
        !read_varint(p, end, v))
        return false;
    if ((*field & 7) == 2) {
        if (*v > (uint64_t)(end - *p)) /* of a long text we have the beginning */
            *v = (uint64_t)(end - *p);
        *bytes = *p;
        *p += *v;
    }
    *field >>= 3;
    return true;
}

/* What others say, for people: nothing in it moves a terminal's cursor. */
static void say(struct otlp_answer *a, const char *before, const uint8_t *text, size_t len)
{
    size_t at = (size_t)snprintf(a->why, sizeof a->why, "%s", before);
    for (size_t i = 0; i < len && at + 1 < sizeof a->why; i++)
        a->why[at++] = text[i] >= 0x20 && text[i] < 0x7f ? (char)text[i] : '?';
    a->why[at] = 0;
}

/* ExportTraceServiceResponse: what was taken of it, if not all. */
static void read_partial_success(const struct otlp_http *http, struct otlp_answer *a)
{
    const uint8_t *p = http->body, *end = p + http->body_len, *bytes;
    uint64_t field, v;
    while (read_field(&p, end, &field, &v, &bytes)) {
        if (field != 1 || !bytes)
            continue;
        const uint8_t *in = bytes, *stop = bytes + v, *text;
        while (read_field(&in, stop, &field, &v, &text)) {
            if (field == 1 && !text)
                a->rejected = (int64_t)v > 0 ? v : 0;
            if (field == 2 && text && v)
                say(a, "it said: ", text, v);
        }
    }
}

static void judge_status(struct otlp_http *http, struct otlp_answer *a)
{
    long status = 0;
    curl_off_t seconds = 0;
    curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300) {
        a->outcome = OTLP_TAKEN;
        read_partial_success(http, a);
        return;
    }
    a->outcome = status == 429 || (status >= 502 && status <= 504) ? OTLP_LATER : OTLP_REFUSED;
    snprintf(a->why, sizeof a->why, "HTTP status %ld", status);
    if (a->outcome == OTLP_LATER &&
        curl_easy_getinfo(http->easy, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0)
        a->retry_after = seconds < RETRY_AFTER_MOST / 1000 ? seconds * 1000 : RETRY_AFTER_MOST;
}

/* No later try helps where it is the settings that are wrong. */
static enum otlp_outcome judge_failure(CURLcode code)
{
    switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM: return OTLP_REFUSED;
    default: return OTLP_LATER;
    }
}

void otlp_http_post(struct otlp_http *http, const char *bytes, size_t len, int ms,
                    struct otlp_answer *a)
{
    *a = (struct otlp_answer){.outcome = OTLP_LATER, .retry_after = -1};
    http->body_len = http->answered = 0;
    http->error[0] = 0;
    curl_easy_setopt(http->easy, CURLOPT_POSTFIELDS, bytes);
    curl_easy_setopt(http->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    curl_easy_setopt(http->easy, CURLOPT_TIMEOUT_MS, (long)(ms > 0 ? ms : 1));
    CURLcode code = curl_easy_perform(http->easy);
    if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && http->answered >= BODY_MOST)) {
        judge_status(http, a);
        return;
    }
    const char *why = http->error[0] ? http->error : curl_easy_strerror(code);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        why = "it did not answer before the end";
    a->outcome = judge_failure(code);
    say(a, "", (const uint8_t *)why, strlen(why));
}
