/* patterns.c: patterns on a command line, which are lines of the filter match_spec. */
#include "beamtap/event.h"
#include "cli/cli.h"
#include "config/pattern_kind.h"

uint32_t tap_cli_pattern_kind(const char *pattern)
{
    return TAP_KIND_BIT(tap_pattern_kind(pattern));
}
