/* cut_comment.h: was what a ` ;` cut off a value really a comment? */
#ifndef TAP_CONFIG_CUT_COMMENT_H
#define TAP_CONFIG_CUT_COMMENT_H

#include "config/options.h"

/* Not where it looks like more of the value: a list that goes on, a file's name, a guard. Then
 * false, and told to the error at its place. For options that are no lines of code. */
bool tap_cut_is_comment(const struct tap_option *, const struct tap_setting *, const char *section,
                        struct tap_error *);

#endif
