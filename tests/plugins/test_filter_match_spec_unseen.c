/* filter:match_spec: functions of erlang that are instructions: the table against what a node
 * traces, and what is said of them. */
#include "match_spec_lines.h"

/* Every function that erlang exports is called by compiled code, with a trace on it. */
static void the_table_is_the_vm_s(void)
{
    oracle_begin();
    fputs("{[", oracle_file);
    for (size_t i = 0; i < INSTRUCTIONS; i++)
        for (unsigned n = 0; n < 4; n++)
            if (instructions[i].arities >> n & 1)
                fprintf(oracle_file, "%s{'%s',%u,%s}", i ? "," : "", instructions[i].name, n,
                        instructions[i].some >> n & 1 ? "some" : "always");
    fputs("]", oracle_file);
    oracle_end_case();
    CU_ASSERT(oracle_ask(
        "begin Me = self(), "
        "Seen = fun(F, A) -> "
        "Xs = lists:join($,, [\"V\" ++ integer_to_list(I) || I <- lists:seq(1, A)]), "
        "Ys = lists:join($,, [\"x\" || _ <- lists:seq(1, A)]), "
        "Forms = [begin {ok, Tokens, _} = erl_scan:string(lists:flatten(io_lib:format(T, As))), "
        "{ok, Form} = erl_parse:parse_form(Tokens), Form end || {T, As} <- "
        "[{\"-module(tap_unseen).\", []}, {\"-export([f/~b, g/1]).\", [A]}, "
        "{\"f(~s) -> X = erlang:~p(~s), {X, k}.\", [Xs, F, Xs]}, "
        "{\"g(Me) -> receive go -> ok end, (catch tap_unseen:f(~s)), Me ! {self(), done}, "
        "receive never -> ok end.\", [Ys]}]], "
        "{ok, _, Code} = compile:forms(Forms, []), code:purge(tap_unseen), "
        "{module, _} = code:load_binary(tap_unseen, \"x\", Code), "
        "P = spawn(tap_unseen, g, [Me]), M = monitor(process, P), "
        "erlang:trace(P, true, [call]), 1 = erlang:trace_pattern({erlang, F, A}, true, [local]), "
        "P ! go, receive {P, done} -> ok; {'DOWN', M, _, _, _} -> ok end, "
        "D = erlang:trace_delivered(P), "
        "receive {trace_delivered, P, D} -> ok end, "
        "erlang:trace_pattern({erlang, F, A}, false, [local]), exit(P, kill), "
        "demonitor(M, [flush]), "
        "(fun G(S) -> receive {trace, P, call, {erlang, F, _}} -> G(true) after 0 -> S end end)"
        "(false) end, "
        "fun({Table}) -> "
        "Skip = [{halt, 0}, {halt, 1}, {halt, 2}, {module_info, 0}, {module_info, 1}, "
        "{suspend_process, 1}, {suspend_process, 2}, {load_nif, 2}, {call_on_load_function, 1}, "
        "{display, 1}, "
        /* they do not come back */
        "{hibernate, 0}, {hibernate, 3}], "
        "Unseen = [FA || {F, A} = FA <- erlang:module_info(exports) -- Skip, A < 4, not Seen(F, "
        "A)], "
        "case {Unseen -- [{F, A} || {F, A, _} <- Table], "
        "[{F, A} || {F, A, always} <- Table] -- Unseen} of {[], []} when Unseen =/= [] -> ok; "
        "Other -> Other end end end"));
}

static void they_are_warned_of(void)
{
    static const struct {
        const char *trace, *spec, *said; /* NULL: nothing */
    } cases[] = {
        {"erlang:self/0", NULL,
         "line 1: calls of erlang:self/0 are instructions of the VM and not traced; only those "
         "through apply or a fun are seen"},
        {"erlang:'+'(1, X)", NULL,
         "line 1: calls of erlang:+/2 are instructions of the VM and not"},
        {NULL, "erlang:apply/3 [{'_', [], []}]", "line 2: calls of erlang:apply/3 are"},
        {"erlang:max/2", NULL,
         "line 1: calls of erlang:max/2 are instructions of the VM in some r"},
        {"erlang:node -> return", NULL, "line 1: calls of erlang:node are instructions"},
        {"erlang:get/1", NULL, "line 1: calls of erlang:get/1 are"},
        {"erlang:get", NULL, NULL},
        {"erlang:get/0", NULL, NULL},
        {"erlang:self/1", NULL, NULL},
        {"erlang:send/2", NULL, NULL},
        {"erlang:'++'/2", NULL, NULL},
        {"erlang:*", NULL, NULL},
        {"m:self/0", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        *fake.warning = '\0';
        CU_ASSERT_PTR_NOT_NULL(compile_line(cases[i].trace, cases[i].spec));
        const char *said = cases[i].said;
        if (said ? !strstr(fake.warning, said) : fake.warnings > 0)
            printf("# %zu: %s\n", i, fake.warning);
        CU_ASSERT(fake.warnings == (said != NULL));
        CU_ASSERT(!said || strstr(fake.warning, said) == fake.warning);
    }
}

UNIT_TESTS("filter_match_spec_unseen", UNIT_TEST(the_table_is_the_vm_s),
           UNIT_TEST(they_are_warned_of))
