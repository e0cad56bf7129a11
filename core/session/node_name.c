/* node_name.c: what a node is called, where that is told only after it was added. */
#include <stdlib.h>
#include <string.h>

#include "base/one_line.h"
#include "session/internal.h"

/* Files and terminals get it as it is, and a node may call itself anything. */
char *tap_session_node_text(const char *name)
{
    char *text = strdup(name);
    if (text)
        tap_one_line(text);
    return text;
}

bool tap_session_node_rename(struct tap_session *session, uint32_t index, const char *given)
{
    struct tap_node_impl *node = tap_session_node(session, index);
    char *name = tap_session_node_text(given);
    if (!name)
        return false;
    pthread_mutex_lock(&session->lock);
    uint32_t n = atomic_load(&session->node_count), i = 0;
    while (i < n && strcmp(atomic_load(&session->nodes[i])->base.name, name) != 0)
        i++;
    char *copy = node && i == n ? tap_mempool_strdup(session->memory, name, strlen(name)) : NULL;
    if (copy) {
        node->base.name_id = tap_intern_name(session->intern, name, strlen(name));
        __atomic_store_n(&node->base.name, copy, __ATOMIC_RELEASE); /* figures may be asked for */
    }
    pthread_mutex_unlock(&session->lock);
    free(name);
    return copy != NULL;
}

void tap_session_node_same(struct tap_session *session, struct tap_node_impl *node)
{
    pthread_mutex_lock(&session->lock);
    node->ended = true; /* no row says so */
    pthread_mutex_unlock(&session->lock);
}
