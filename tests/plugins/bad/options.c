/* Options that users stumble over.
 * told: the default '9M' of option 'size' is not one that it takes
 * told: option 'path' has no help
 * told: the options 'size' and 'other' fill the same field
 * told: option 'other' has a range and is no number
 */
#include "right.h"

static const struct tap_option bad_options[] = {{.name = "path",
                                                 .type = TAP_OPT_PATH,
                                                 .flags = TAP_OPT_REQUIRED,
                                                 .offset = offsetof(struct settings, path)},
                                                {.name = "size",
                                                 .type = TAP_OPT_SIZE,
                                                 .def = "9M",
                                                 .max = 1 << 20,
                                                 .offset = offsetof(struct settings, size),
                                                 .help = "how large it may be"},
                                                {.name = "other",
                                                 .type = TAP_OPT_STRING,
                                                 .min = 1,
                                                 .max = 2,
                                                 .offset = offsetof(struct settings, size),
                                                 .help = "what else"}};

SINK_WITH(bad_options, .destroy = right_destroy)
