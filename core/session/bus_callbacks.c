/* bus_callbacks.c: what the bus finds in the stream of a node that is for the session itself: what
 * the node is, a line for the log, how the call that was asked for ended.
 */
#include <stdlib.h>
#include <string.h>

#include "base/one_line.h"
#include "session/internal.h"

void tap_session_node_up(void *arg, uint32_t index, const struct tap_node_facts *facts)
{
    struct tap_node_impl *node = tap_session_node(arg, index);
    if (!node || atomic_load(&node->told)) /* readers may have it by now */
        return;
    size_t n = facts->release_len < sizeof node->release - 1 ? facts->release_len
                                                             : sizeof node->release - 1;
    for (size_t i = 0; i < n; i++) { /* a word of the node's, which is shown as it is */
        char c = facts->release[i];
        bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        node->release[i] = word || c == '.' || c == '-' ? c : '?';
    }
    node->release[n] = '\0';
    node->base.release = node->release;
    node->base.printable_unicode = facts->printable_unicode;
    atomic_store(&node->told, true);
}

/* One line, and nothing that moves a terminal's cursor; no character of UTF-8 is cut in two. */
static void copy_line(char *line, size_t cap, const char *text, uint32_t len)
{
    size_t n = len;
    if (n > cap - 1)
        for (n = cap - 1; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80; n--)
            ;
    memcpy(line, text, n);
    line[n] = '\0';
    tap_one_line(line);
}

void tap_session_left_out(void *arg, uint32_t index, const char *text, uint32_t len)
{
    struct tap_node_impl *node = tap_session_node(arg, index);
    if (!node || atomic_load(&node->left_out_told)) /* readers may have it by now */
        return;
    copy_line(node->left_out, sizeof node->left_out, text, len);
    atomic_store(&node->left_out_told, true);
}

void tap_session_node_log(void *arg, uint32_t index, enum tap_log_level level, const char *text,
                          uint32_t len)
{
    struct tap_session *session = arg;
    const struct tap_node_impl *node = tap_session_node(session, index);
    char line[1024];
    copy_line(line, sizeof line, text, len);
    tap_session_log(session, level, session->transport->instance->section, "%s: %s",
                    node ? node->base.name : "?", line);
}

void tap_session_call_ended(void *arg, const char *kind, uint32_t kind_len, const uint8_t *term,
                            uint32_t len)
{
    struct tap_session *session = arg;
    char *copy = strndup(kind, kind_len);
    uint8_t *bytes = malloc(len + 1u);
    if (bytes && len)
        memcpy(bytes, term, len);
    pthread_mutex_lock(&session->lock);
    if (!session->plan.call || session->call_kind || !copy || !bytes) {
        free(copy);
        free(bytes);
    } else {
        session->call_kind = copy;
        session->call_term = bytes;
        session->call_len = len;
    }
    pthread_mutex_unlock(&session->lock);
}
