%% beamtap_agent: what runs in a traced node.
%%
%% The collector loads this module, calls start/1, and reads frames until the final report; then nothing is left of it.
%% What thinks how:
%%
%%   relay      the tracer: takes trace messages, packs them into frames, sends them, and does nothing else (relay.hrl)
%%   native     events are taken by a tracer in C, and no message is made of them (native.hrl)
%%   stream     with TCP or a Unix socket: the process that owns the connection (stream.hrl)
%%   guardians  two processes that know exactly what was set and take exactly that away when anything ends (guardian.hrl)
%%   undo       the end of a run, and the second guardian (undo.hrl)
%%   pause      when the relay turns the events off for a while, and on again (pause.hrl)
%%   heaps      the process that looks whose arguments are too large to be copied (heaps.hrl, terms.hrl)
%%   own        what beamtap's own processes, and those that carry code and connections, do is not traced (own.hrl)
%%   registry   counts the runs that use this module in this node and has it purged after the last one (run_registry.hrl)
%%   call       one call, traced with all that it spawns, whose end is the run's (call.hrl)
%%   names      the process that asks others what they are called, and how many messages wait for them (names.hrl)
%%   needs      what must be there in the node before anything is set (needs.hrl), and texts that need nothing (text.hrl)
%%   plan       which functions and processes the options mean here and now (plan.hrl, spec.hrl, otp.hrl)
%%   stack      who called, frame by frame (stack.hrl)
%%   counters   a profile: no events, the VM's own counters are read (counters.hrl)
%%   follow     whoever bears a name, and who belongs to a tree (follow.hrl)
%%   load       modules that are loaded during the run (load.hrl), and the calls of them that come first (first_calls.hrl)
%%   tracing    the VM's interface: trace sessions where there are any (OTP 27), the global one before (tracing.hrl)
%%
%% It uses kernel and stdlib only, and the beam that OTP 25 makes of it runs in every later release. The module's name
%% carries the hash of these sources (build.escript), so a node never has two different agents under one name.
%% What the collector and the agent say to each other: ../protocol.h. The frames: core/include/beamtap/event.h.
-module(?AGENT_MODULE).
-export([start/1, info/0, clean/0, unload/0]).
-export([registry/0]). % called by the agent itself

%% Reasons of loss and of gaps: enum tap_reason in event.h.
-define(REASON_CREDIT, 1).
-define(REASON_QUEUE, 2).
-define(REASON_RATE, 3).
-define(REASON_MEMORY, 4).
-define(REASON_TERM, 5).
-define(REASON_LIMIT, 6).
-define(REASON_CONNECTION, 9).
-define(REASON_CODE, 12).

%% The numbers that the relay and the guardians share without messages: one atomics array a run. A grant of credit
%% must not stand behind a hundred thousand trace messages in the relay's mailbox.
-define(CREDIT, 1).     % bytes that may have been sent by now
-define(STOPPING, 2).   % 1: a guardian takes tracing away; the relay must not turn it on again
-define(PRODUCED, 3).   % trace messages that the relay took
-define(SENT, 4).       % events in frames that were sent
-define(NUMBER, 5).     % number of the next frame
-define(PEAK, 6).       % the longest mailbox seen
-define(FINAL, 7).      % 1: the final report was sent
-define(URGENT, 8).     % urgent reports put into the relay's mailbox so far
-define(CALLED, 9).     % 1: the traced call has come back
-define(BROKEN, 10).    % 1: the stream takes no more frames
-define(SHARED, 10).

-define(MARK, '$beamtap_run').

%% What both guardians know of a run, and what the relay needs to turn tracing off and on.
-record(run, {
    id,                 % binary: names the run in every match spec
    collector,          % pid of the C node
    options,            % the options of start/1, completed
    shared,             % atomics, see above
    relay,              % pid
    stream = none,      % pid that sends frames over TCP or a Unix socket; none: the relay does, over the distribution
    native = none,      % {Module, Number}: who takes the events is a tracer in C (native.hrl)
    tracer,             % who stands in the trace flags: the relay, or {Module, Number}
    session = none,     % trace session of OTP 27 and later
    flags = [],         % trace flags of the events asked for
    select,             % #select{}: which processes
    targets = [],       % [#target{}]: function patterns
    plain = false,      % may they be without match specs (plain.hrl)
    messages = [],      % [{send | 'receive', MatchSpec}]: message patterns
    caller = none,      % pid: makes the traced call, and ends with the run
    counters = none,    % pid: reads what the VM counts, and ends with the run (counters.hrl)
    heaps = none,       % pid: looks whose calls would copy too much, and ends with the run
    carriers = none,    % pid => rex | dist: whose spawns are looked at (own.hrl)
    namer = none,       % pid: asks other processes what they are called, and ends with the run
    otp = all,          % all, or the folders of OTP's applications (otp.hrl)
    on_load = none,     % the match spec that modules to come have (load.hrl)
    on = false          % flags may be set
}).
%% Functions of one module that share a match spec, or true. functions: all, or a list of {Function, Arity}.
-record(target, {module, functions, spec}).
%% Processes: everyone = those there and those to come; listed and trees are pids; excluded carry the trace itself.
%% call: the tree is a caller's, who sets and clears the flags of its own.
-record(select, {call = false, everyone = false, new = false, listed = [], trees = [], excluded = #{}}).

-include("text.hrl").
-include("needs.hrl").
-include("tracing.hrl").
-include("spec.hrl").
-include("otp_modules.hrl").
-include("otp.hrl").
-include("plan.hrl").
-include("relay.hrl").
-include("stack.hrl").
-include("counters.hrl").
-include("plain.hrl").
-include("first_calls.hrl").
-include("native.hrl").
-include("pause.hrl").
-include("frames.hrl").
-include("terms.hrl").
-include("heaps.hrl").
-include("own.hrl").
-include("stream.hrl").
-include("guardian.hrl").
-include("load.hrl").
-include("follow.hrl").
-include("undo.hrl").
-include("call.hrl").
-include("run_registry.hrl").
-include("report.hrl").
-include("names.hrl").

%% Starts a run: tracing is on when it returns {ok, #{relay, guardian, tracer}}. {error, {Code, Text}} leaves nothing on.
start(Given) ->
    own_heap(),
    try
        needs(Given),
        start_guardian(counters_options(maps:merge(defaults(), Given)))
    catch
        throw:{refused, Code, Text} -> {error, {Code, Text}};
        error:system_limit -> {error, {failed, full_text()}};
        _:Why -> {error, {failed, text("the agent failed while it started: ~0tP", [Why, 20])}}
    end.

start_guardian(Options) ->
    case registry_pid() of
        {ok, Registry} ->
            Tag = make_ref(),
            Starter = self(),
            {Guardian, Down} = spawn_opt(fun() -> guardian_begin(Starter, Tag, Registry, Options) end,
                                         [monitor, {priority, high}, ?OWN_HEAP]),
            receive
                {Tag, Result} ->
                    erlang:demonitor(Down, [flush]),
                    Result;
                {'DOWN', Down, process, Guardian, Why} ->
                    {error, {failed, text("the agent failed while it started: ~0tP", [Why, 20])}}
            end;
        {error, Code, Text} ->
            {error, {Code, Text}}
    end.

%% Which of the node's tables is full when it says system_limit.
full_text() ->
    Processes = erlang:system_info(process_count),
    case erlang:system_info(process_limit) of
        Limit when Processes >= Limit - 16 ->
            text("the node's process table is full: ~b of ~b processes", [Processes, Limit]);
        _ -> <<"the node is at one of its limits (system_limit)">>
    end.

defaults() ->
    #{run => <<"0000000000000000">>, events => [function_call, message_send, message_receive], functions => [],
      processes => [], sends => [], receives => [], include_otp => false, load => true, duration => 0, lease => 10000,
      max_events => 0, max_rate => 0, max_queue => 10000, max_memory => 64 bsl 20, max_term => 64 bsl 10,
      overload => pause, credit => 4 bsl 20, call => none, names => false, mailbox => 0, arity_only => false, stack => none,
      counters => [], interval => 0}.

%% Has the module purged, unless a run uses it. The purge follows a moment after the answer.
%% rex itself calls it: it takes no process, and leaves the caller as it is.
unload() ->
    case whereis(?MODULE) of
        undefined ->
            case erlang:check_old_code(?MODULE) of
                false -> purge_later();
                true -> catch spawn_opt(fun registry_begin/0, [?OWN_HEAP]) % it has more to do than this can wait for
            end;
        Registry -> Registry ! unload
    end,
    ok.
