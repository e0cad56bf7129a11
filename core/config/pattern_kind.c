/* pattern_kind.c: see pattern_kind.h. */
#include "config/pattern_kind.h"

#include <string.h>

#include "beamtap/event.h"

unsigned tap_pattern_kind(const char *pattern)
{
    pattern += strspn(pattern, " \t");
    if (strncmp(pattern, "send", 4) == 0 && strchr("([ \t-", pattern[4]))
        return TAP_MESSAGE_SEND;
    if (strncmp(pattern, "receive", 7) == 0 && strchr("([ \t-", pattern[7]))
        return TAP_MESSAGE_RECEIVE;
    return TAP_FUNCTION_CALL;
}
