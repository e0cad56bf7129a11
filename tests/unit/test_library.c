/* test_library.c: traces as programs have them (beamtap/beamtap.h), here of recordings: what
 * cursors print, and what a caller may get wrong. */
#include "replays.h"

/* An atom of the VM's has 255 characters, one of a file's has what the file says. */
static void a_name_may_be_as_long_as_a_file_says(void)
{
    static char name[UINT16_MAX];
    static const size_t lens[] = {3, 255, 1020, 4070, 4096, 8192, UINT16_MAX};
    memset(name, '"', sizeof name);
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        struct recorded r;
        struct tap_trace_options options = TAP_TRACE_OPTIONS;
        struct tap_trace_event e = TAP_SIZED(struct tap_trace_event);
        unsigned calls = 0;
        replay_begin(&r);
        replay_calls_of(&r, 0, 3, name, lens[i]);
        replay_node_down(&r, 0);
        struct tap_trace *t = replay_start(&r, &options, "");
        CU_ASSERT_PTR_NOT_NULL_FATAL(t);
        struct tap_events *events = tap_trace_events(t, TAP_PRINT_ERLANG);
        while (tap_events_next(events, &e, 10000) == TAP_NEXT_EVENT) {
            if (e.kind != TAP_FUNCTION_CALL)
                continue;
            size_t len = strlen(e.pid);
            calls++;
            CU_ASSERT_FATAL(len > 10);
            CU_ASSERT(strncmp(e.pid, "<\"\"\"", 4) == 0 && strcmp(e.pid + len - 7, ".100.0>") == 0);
            CU_ASSERT_STRING_EQUAL(e.mfa, "shop:add/1");
            CU_ASSERT(e.message[0] == '[' && atoi(e.message + 1) == (int)e.seq);
        }
        CU_ASSERT_EQUAL(calls, 3);
        tap_events_close(events);
        CU_ASSERT_EQUAL(tap_trace_stop(t, NULL), TAP_OK);
        tap_trace_free(t);
    }
}

UNIT_TESTS("library", UNIT_TEST(a_name_may_be_as_long_as_a_file_says))
