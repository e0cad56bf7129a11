/* patterns.c: patterns on a command line, which are lines of the filter match_spec. */
#include <string.h>

#include "beamtap/event.h"
#include "cli/cli.h"

uint32_t tap_cli_pattern_kind(const char *pattern)
{
    pattern += strspn(pattern, " \t");
    if (strncmp(pattern, "send", 4) == 0 && strchr("([ \t-", pattern[4]))
        return TAP_KIND_BIT(TAP_MESSAGE_SEND);
    if (strncmp(pattern, "receive", 7) == 0 && strchr("([ \t-", pattern[7]))
        return TAP_KIND_BIT(TAP_MESSAGE_RECEIVE);
    return TAP_KIND_BIT(TAP_FUNCTION_CALL);
}
