/* error.c: the causes of a failure, kept in order of arrival.
 *
 * Configuration mistakes, plugins on their own threads and the session itself all add here, so a
 * mutex guards the list; a cause never moves or changes once it stands, so what tap_error_get gave
 * stays valid. When there is no memory for a cause, its status still counts and a line says that
 * causes are missing: an error must not be lost for lack of memory.
 */
#include "base/error.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/one_line.h"

struct cause {
    struct tap_cause public;
    bool placed; /* the message begins with a place in a file: nothing is printed before it */
};

struct tap_error {
    pthread_mutex_t lock;
    struct cause **causes;
    size_t count, cap;
    enum tap_status unsaid; /* the status of causes that memory did not suffice for */
};

struct tap_error *tap_error_new(void)
{
    struct tap_error *err = calloc(1, sizeof *err);
    if (err)
        pthread_mutex_init(&err->lock, NULL);
    return err;
}

void tap_error_free(struct tap_error *err)
{
    if (!err)
        return;
    for (size_t i = 0; i < err->count; i++)
        free(err->causes[i]);
    free(err->causes);
    pthread_mutex_destroy(&err->lock);
    free(err);
}

/* Makes a cause in one allocation: the struct, the message, the actor. Takes over nothing. */
static struct cause *error_cause(enum tap_status status, const char *actor, const char *source,
                                 int source_line, const char *place, const char *format,
                                 va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (len < 0)
        return NULL;
    size_t place_len = place ? strlen(place) : 0, actor_len = actor ? strlen(actor) + 1 : 0;
    struct cause *c = malloc(sizeof *c + place_len + (size_t)len + 1 + actor_len);
    if (!c)
        return NULL;
    char *message = (char *)(c + 1), *name = message + place_len + len + 1;
    if (place_len)
        memcpy(message, place, place_len);
    vsnprintf(message + place_len, (size_t)len + 1, format, args);
    tap_one_line(message);
    if (actor)
        memcpy(name, actor, actor_len);
    *c = (struct cause){{status, actor ? name : NULL, message, source, source_line}, place != NULL};
    return c;
}

static void error_append(struct tap_error *err, enum tap_status status, struct cause *c)
{
    pthread_mutex_lock(&err->lock);
    if (c && err->count == err->cap) {
        size_t cap = err->cap ? err->cap * 2 : 8;
        struct cause **causes = realloc(err->causes, cap * sizeof *causes);
        if (causes) {
            err->causes = causes;
            err->cap = cap;
        } else {
            free(c);
            c = NULL;
        }
    }
    if (c)
        err->causes[err->count++] = c;
    else if (status > err->unsaid)
        err->unsaid = status;
    pthread_mutex_unlock(&err->lock);
}

enum tap_status tap_error_vadd(struct tap_error *err, enum tap_status status, const char *actor,
                               const char *source, int source_line, const char *format,
                               va_list args)
{
    error_append(err, status, error_cause(status, actor, source, source_line, NULL, format, args));
    return status;
}

enum tap_status tap_error_add(struct tap_error *err, enum tap_status status, const char *actor,
                              const char *source, int source_line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tap_error_vadd(err, status, actor, source, source_line, format, args);
    va_end(args);
    return status;
}

/* The place `offset` bytes into a text: lines by newlines, columns in characters, as editors
 * count. */
static void error_place(const struct tap_text *where, size_t offset, int *line, int *column)
{
    *line = where->line;
    *column = where->column;
    for (size_t i = 0; where->text && i < offset && where->text[i]; i++) {
        if (where->text[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)where->text[i] & 0xC0) != 0x80 && *column > 0) {
            ++*column;
        }
    }
}

enum tap_status tap_error_vadd_at(struct tap_error *err, const char *section,
                                  const struct tap_text *where, size_t offset, const char *format,
                                  va_list args)
{
    char at[32] = "", *place = NULL;
    const char *file = where && where->file ? where->file : NULL;
    if (file && where->line > 0) {
        int line, column;
        error_place(where, offset, &line, &column);
        snprintf(at, sizeof at, column > 0 ? ":%d:%d" : ":%d", line, column);
    } else if (file && offset > 0) {
        snprintf(at, sizeof at, " (character %zu)", offset + 1);
    }
    int len = asprintf(&place, "%s%s%s%s%s%s", file ? file : "", at, file ? ": " : "",
                       section ? "[" : "", section ? section : "", section ? "] " : "");
    if (len < 0)
        place = NULL;
    struct cause *c = error_cause(TAP_INVALID, section, NULL, 0, place ? place : "", format, args);
    if (c)
        c->placed = file != NULL;
    free(place);
    error_append(err, TAP_INVALID, c);
    return TAP_INVALID;
}

enum tap_status tap_error_add_at(struct tap_error *err, const char *section,
                                 const struct tap_text *where, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tap_error_vadd_at(err, section, where, 0, format, args);
    va_end(args);
    return TAP_INVALID;
}

size_t tap_error_count(const struct tap_error *err)
{
    struct tap_error *e = (struct tap_error *)err;
    pthread_mutex_lock(&e->lock);
    size_t n = e->count;
    pthread_mutex_unlock(&e->lock);
    return n;
}

static const struct cause *error_get(const struct tap_error *err, size_t i)
{
    struct tap_error *e = (struct tap_error *)err;
    pthread_mutex_lock(&e->lock);
    const struct cause *c = i < e->count ? e->causes[i] : NULL;
    pthread_mutex_unlock(&e->lock);
    return c;
}

const struct tap_cause *tap_error_get(const struct tap_error *err, size_t i)
{
    const struct cause *c = error_get(err, i);
    return c ? &c->public : NULL;
}

enum tap_status tap_error_status(const struct tap_error *err)
{
    struct tap_error *e = (struct tap_error *)err;
    pthread_mutex_lock(&e->lock);
    enum tap_status worst = e->unsaid;
    for (size_t i = 0; i < e->count; i++)
        if (e->causes[i]->public.status > worst)
            worst = e->causes[i]->public.status;
    pthread_mutex_unlock(&e->lock);
    return worst;
}

void tap_error_print(const struct tap_error *err, FILE *out)
{
    const char *env = getenv("BEAMTAP_DEBUG");
    bool debug = env && *env && strcmp(env, "0") != 0;
    const struct cause *c;
    for (size_t i = 0; (c = error_get(err, i)); i++) {
        const struct tap_cause *p = &c->public;
        if (!c->placed)
            fputs("beamtap: ", out);
        /* A message with a place has its section in it already. */
        if (!c->placed && p->actor && strcmp(p->actor, "core") != 0 && p->message[0] != '[')
            fprintf(out, "[%s] ", p->actor);
        fputs(p->message, out);
        if (debug && p->source)
            fprintf(out, " (%s:%d)", p->source, p->source_line);
        fputc('\n', out);
    }
    if (err->unsaid != TAP_OK)
        fputs("beamtap: out of memory: there are more causes than could be kept\n", out);
}
