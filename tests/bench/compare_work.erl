%% compare_work: the same calls under one tracer after the other, each started as its users start it, in the node itself. Nothing here
%% needs a tracer to compile: they are called by name.
%%
%% run(Tool, Processes, Calls, Scratch) is {Wall, Seen}: microseconds that the workload took, and how many of the calls the tool has
%% told of at the end (none: it does not tell of calls; printed: count them in the file).
-module(compare_work).
-export([run/4, workload/2, loop/1, f/2]).

-define(DRAIN, 30000). % ms that a tool may still print

%% Some microseconds of work a call, as an application's function has them, and one call within.
f(N, Article) ->
    digest(N, atom_to_binary(Article, utf8)).

digest(N, Text) ->
    erlang:md5([<<N:32>>, binary:copy(Text, 40)]).

loop(0) -> ok;
loop(N) ->
    ?MODULE:f(N, apple),
    loop(N - 1).

workload(Processes, Calls) ->
    {Wall, _} = timer:tc(fun() ->
        Workers = [spawn_monitor(?MODULE, loop, [Calls]) || _ <- lists:seq(1, Processes)],
        [receive {'DOWN', Ref, process, Pid, _} -> ok end || {Pid, Ref} <- Workers]
    end),
    Wall.

%% What it prints beside goes nowhere: standard output is the bench's own.
run(Tool, Processes, Calls, Scratch) ->
    Leader = group_leader(),
    Screen = spawn_link(fun screen/0),
    group_leader(Screen, self()),
    try
        tool(Tool, Processes, Calls, Scratch)
    after
        group_leader(Leader, self()),
        unlink(Screen),
        exit(Screen, kill)
    end.

%% Into a file, which it writes as it would print.
tool(redbug, Processes, Calls, Scratch) ->
    {Name, _, _} = redbug:start("compare_work:f", [{time, 120000}, {msgs, Processes * Calls}, {print_file, Scratch}]),
    Wall = workload(Processes, Calls),
    gone(Name), % it ends by itself
    redbug:stop(),
    gone(Name),
    {Wall, printed};
tool(recon, Processes, Calls, Scratch) ->
    {ok, File} = file:open(Scratch, [write, delayed_write]),
    recon_trace:calls({?MODULE, f, 2}, Processes * Calls, [{io_server, File}]),
    Wall = workload(Processes, Calls),
    drained(fun() -> whereis(recon_trace_formatter) =:= undefined orelse quiet(recon_trace_formatter) andalso quiet(recon_trace_tracer) end),
    recon_trace:clear(),
    file:close(File),
    {Wall, printed};

%% One process, and all that it calls.
tool(eflambe, _, Calls, Scratch) ->
    ok = file:make_dir(Scratch),
    {Wall, _} = timer:tc(fun() ->
        eflambe:apply({?MODULE, loop, [Calls]}, [{output_directory, list_to_binary(Scratch)}, {output_format, brendan_gregg}])
    end),
    {Wall, none};

%% A screen that nobody reads, and keys that nobody presses.
tool(observer_cli, Processes, Calls, _) ->
    {Viewer, Ref} = spawn_monitor(fun observer_cli:start/0),
    receive {'DOWN', Ref, process, Viewer, Why} -> exit({observer_cli, Why}) after 1000 -> ok end,
    Wall = workload(Processes, Calls),
    group_leader() ! quit,
    receive {'DOWN', Ref, process, Viewer, _} -> ok after 5000 -> exit(Viewer, kill) end,
    {Wall, none};

tool(tprof, Processes, Calls, _) ->
    {ok, _} = tprof:start(#{type => call_time}),
    1 = tprof:set_pattern(?MODULE, f, 2),
    tprof:enable_trace(all),
    Wall = workload(Processes, Calls),
    tprof:disable_trace(all),
    {call_time, Found} = tprof:collect(),
    tprof:stop(),
    {Wall, lists:sum([N || {?MODULE, f, 2, Each} <- Found, {_, N, _} <- Each])}.

drained(Done) -> drained(Done, ?DRAIN div 20).

drained(_, 0) -> ok;
drained(Done, N) ->
    case Done() of
        true -> ok;
        false -> timer:sleep(20), drained(Done, N - 1)
    end.

gone(Name) -> drained(fun() -> whereis(Name) =:= undefined end).

quiet(Name) ->
    case whereis(Name) of
        undefined -> true;
        Pid -> process_info(Pid, message_queue_len) =:= {message_queue_len, 0}
    end.

%% ---- An I/O server: it throws away what is printed, and its user types q at the end.

screen() -> screen([]).

screen(Asked) ->
    receive
        quit ->
            [From ! {io_reply, As, "q\n"} || {From, As} <- Asked],
            screen([]);
        {io_request, From, As, Request} when element(1, Request) =:= get_line ->
            screen([{From, As} | Asked]);
        {io_request, From, As, Request} ->
            From ! {io_reply, As, reply(Request)},
            screen(Asked)
    end.

reply({get_geometry, rows}) -> 50;
reply({get_geometry, columns}) -> 160;
reply(getopts) -> [{encoding, unicode}, {echo, true}];
reply({requests, Requests}) -> lists:last([ok | [reply(R) || R <- Requests]]);
reply(_) -> ok.
