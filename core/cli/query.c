/* query.c: a service of the transport (transport.h), asked from the command line; its answer as
 * JSON, for which there is a reader at hand.
 */
#include "cli/query.h"

#include <string.h>

#include "base/one_line.h"
#include "library/defaults.h"

#define DEPTH_MAX 16

static cJSON *term_json(struct tap_cursor *c, int depth);

/* What a node says reaches terminals, and JSON, which is UTF-8. */
static char *clean_copy(const char *text, size_t len)
{
    char *copy = strndup(text, len);
    if (copy)
        tap_one_line(copy);
    return copy;
}

static cJSON *text_json(const char *text, size_t len)
{
    char *copy = clean_copy(text, len);
    cJSON *o = copy ? cJSON_CreateString(copy) : NULL;
    free(copy);
    return o;
}

static cJSON *atom_json(struct tap_cursor *c)
{
    const char *text = "";
    uint32_t len = 0;
    bool latin1 = false;
    tap_read_atom(c, &text, &len, &latin1);
    if (len == 4 && !memcmp(text, "true", 4))
        return cJSON_CreateTrue();
    if (len == 5 && !memcmp(text, "false", 5))
        return cJSON_CreateFalse();
    if (!latin1)
        return text_json(text, len);
    char utf8[2 * 256];
    size_t n = 0;
    for (uint32_t i = 0; i < len && n < sizeof utf8 - 2; i++) {
        unsigned char ch = (unsigned char)text[i];
        if (ch >= 0x80) {
            utf8[n++] = (char)(0xc0 | ch >> 6);
            ch = 0x80 | (ch & 0x3f);
        }
        utf8[n++] = (char)ch;
    }
    return text_json(utf8, n);
}

/* A process of the node that answers. */
static cJSON *pid_json(struct tap_cursor *c)
{
    char text[40];
    const uint8_t *from = c->p;
    tap_skip(c);
    size_t tail = *from == TAP_EXT_NEW_PID ? 12 : 9;
    if (c->bad || (size_t)(c->p - from) <= tail)
        return NULL;
    snprintf(text, sizeof text, "<0.%u.%u>", tap_get_u32(c->p - tail),
             tap_get_u32(c->p - tail + 4));
    return cJSON_CreateString(text);
}

static cJSON *array_json(struct tap_cursor *c, uint32_t n, bool list, int depth)
{
    cJSON *array = cJSON_CreateArray();
    for (uint32_t i = 0; i < n && !c->bad; i++)
        cJSON_AddItemToArray(array, term_json(c, depth));
    if (list && n)
        tap_read_nil(c);
    return array;
}

static cJSON *map_json(struct tap_cursor *c, int depth)
{
    uint32_t pairs = 0;
    cJSON *object = cJSON_CreateObject();
    tap_read_map(c, &pairs);
    for (uint32_t i = 0; i < pairs && !c->bad; i++) {
        cJSON *key = term_json(c, depth);
        cJSON_AddItemToObject(object, cJSON_IsString(key) ? key->valuestring : "?",
                              term_json(c, depth));
        cJSON_Delete(key);
    }
    return object;
}

/* NULL for what is not a term, or of a kind that no answer has. */
static cJSON *term_json(struct tap_cursor *c, int depth)
{
    uint32_t n = 0;
    int64_t number = 0;
    const uint8_t *bytes;
    if (depth > DEPTH_MAX) {
        tap_cursor_fail(c);
        return NULL;
    }
    switch (tap_peek(c)) {
    case TAP_EXT_SMALL_ATOM_UTF8:
    case TAP_EXT_ATOM_UTF8:
    case TAP_EXT_SMALL_ATOM:
    case TAP_EXT_ATOM: return atom_json(c);
    case TAP_EXT_NEW_PID:
    case TAP_EXT_PID: return pid_json(c);
    case TAP_EXT_SMALL_TUPLE:
    case TAP_EXT_LARGE_TUPLE: tap_read_tuple(c, &n); return array_json(c, n, false, depth + 1);
    case TAP_EXT_NIL:
    case TAP_EXT_LIST: tap_read_list(c, &n); return array_json(c, n, true, depth + 1);
    case TAP_EXT_MAP: return map_json(c, depth + 1);
    case TAP_EXT_BINARY:
        return tap_read_binary(c, &bytes, &n) ? text_json((const char *)bytes, n) : NULL;
    case TAP_EXT_STRING:
        return tap_read_string(c, &bytes, &n) ? text_json((const char *)bytes, n) : NULL;
    default: return tap_read_i64(c, &number) ? cJSON_CreateNumber((double)number) : NULL;
    }
}

/* [{Node, Answer}] */
static bool answers_add(const struct tap_buf *result, cJSON *answers)
{
    struct tap_cursor c = tap_cursor(result->data, result->len);
    uint32_t n = 0, two, len;
    const uint8_t *name;
    tap_read_list(&c, &n);
    for (uint32_t i = 0;
         i < n && tap_read_tuple(&c, &two) && two == 2 && tap_read_binary(&c, &name, &len); i++) {
        char *copy = clean_copy((const char *)name, len);
        cJSON *answer = term_json(&c, 0);
        if (copy && answer)
            cJSON_AddItemToObject(answers, copy, answer);
        free(copy);
    }
    return !c.bad;
}

int tap_query_ask(const char *nodes, const char *const *sets, size_t set_count, const char *verb,
                  cJSON *answers, struct tap_error *err)
{
    struct tap_config *config = NULL;
    struct tap_session *session = NULL;
    struct tap_buf result = {0};
    if (tap_config_of_nodes(nodes, tap_defaults.transport, sets, set_count, &config, err) == TAP_OK)
        session = tap_session_new(config, err);
    if (session)
        tap_session_service(session, verb, NULL, 0, &result);
    if (result.len && !answers_add(&result, answers))
        TAP_ERR(err, TAP_ERROR, "core", "the answer to '%s' cannot be read", verb);
    tap_buf_free(&result);
    tap_session_free(session);
    tap_config_free(config);
    return (int)tap_error_status(err);
}

void tap_query_list(const cJSON *array, int most, FILE *out)
{
    int n = 0, all = cJSON_GetArraySize(array);
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        if (n == most)
            break;
        char *json = cJSON_IsString(item) ? NULL : cJSON_PrintUnformatted(item);
        const char *text = cJSON_IsString(item) ? item->valuestring : json ? json : "?";
        fprintf(out, "%s%s", n == 0 ? "" : n == all - 1 ? " and " : ", ", text);
        cJSON_free(json);
        n++;
    }
    if (all > n)
        fprintf(out, " and %d more", all - n);
}

void tap_query_stays(const cJSON *answer)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "stays"));
    if (text)
        printf("  left: %s\n", text);
}
