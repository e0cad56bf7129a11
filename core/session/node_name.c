/* node_name.c: what a node is called, where that is told only after it was added. */
#include <string.h>

#include "session/internal.h"

bool tap_session_node_rename(struct tap_session *session, uint32_t index, const char *name)
{
    struct tap_node_impl *node = tap_session_node(session, index);
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
    return copy != NULL;
}

void tap_session_node_same(struct tap_session *session, struct tap_node_impl *node)
{
    pthread_mutex_lock(&session->lock);
    node->ended = true; /* no row says so */
    pthread_mutex_unlock(&session->lock);
}
