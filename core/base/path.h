/* path.h: paths as users write them. */
#ifndef TAP_BASE_PATH_H
#define TAP_BASE_PATH_H

#include "base/mempool.h"

/* A copy in `pool` with a leading ~ or ~user made the home folder; NULL when out of memory. */
char *tap_expand_path(const char *text, size_t len, struct tap_mempool *pool);

#endif
