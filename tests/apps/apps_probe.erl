%% apps_probe: how late a node answers, asked over TCP from another node; and how often the functions of some modules were called,
%% by the VM's own counters.
-module(apps_probe).
-export([listen/0, watch/2, watched/0, count/1, counted/1,
         count_begins/0, count_has_begun/0, count_ends/0, count_has_ended/0]).

%% In the node that is asked: a server that sends back what comes. Its port.
listen() ->
    Parent = self(),
    spawn(fun() ->
        {ok, Listener} = gen_tcp:listen(0, [binary, {ip, {127, 0, 0, 1}}, {active, false}, {nodelay, true}, {reuseaddr, true}]),
        {ok, Port} = inet:port(Listener),
        Parent ! {?MODULE, Port},
        accept(Listener)
    end),
    receive {?MODULE, Port} -> Port end.

accept(Listener) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    echo(Socket),
    accept(Listener).

echo(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Bytes} -> ok = gen_tcp:send(Socket, Bytes), echo(Socket);
        {error, closed} -> closed
    end.

%% In the node that asks, every 5 ms, until watched/0. The threads of both nodes wait for a processor, too, where the machine has
%% more to do: the kernel says how long each did, and so much of an answer's time is not the node's doing.
watch(Port, OsPid) ->
    Parent = self(),
    spawn(fun() ->
        register(?MODULE, self()),
        {ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {nodelay, true}]),
        Threads = threads(OsPid) ++ threads(os:getpid()),
        Parent ! {?MODULE, watching},
        ask(Socket, Threads, {0, 0, 0})
    end),
    receive {?MODULE, watching} -> watching end.

%% {us of the latest answer without such waits, and with them, answers}.
watched() ->
    ?MODULE ! {stop, self()},
    receive {?MODULE, Figures} -> Figures end.

ask(Socket, Threads, {Worst, Whole, Count} = Figures) ->
    receive
        {stop, From} -> gen_tcp:close(Socket), From ! {?MODULE, Figures}
    after 5 ->
        Before = waits(Threads),
        Asked = erlang:monotonic_time(microsecond),
        ok = gen_tcp:send(Socket, <<"?">>),
        {ok, <<"?">>} = gen_tcp:recv(Socket, 1),
        Took = erlang:monotonic_time(microsecond) - Asked,
        Own = Took - waited(Before, waits(Threads)),
        ask(Socket, Threads, {max(Worst, Own), max(Whole, Took), Count + 1})
    end.

%% [{{OsPid, Kind}, File}] of the threads that an answer goes through: a poller, a scheduler.
threads(OsPid) ->
    Folder = "/proc/" ++ OsPid ++ "/task/",
    {ok, Ids} = file:list_dir(Folder),
    [{{OsPid, Kind}, File} || Id <- Ids, {ok, Name} <- [file:read_file([Folder, Id, "/comm"])], Kind <- kind(Name),
                              {ok, File} <- [file:open([Folder, Id, "/schedstat"], [raw, read, binary])]].

kind(Name) ->
    [K || {K, Pattern} <- [{scheduler, "^(\\d+_scheduler|erts_sched_\\d+)$"}, {poller, "^(\\d+_poller|erts_poll_\\d+)$"}],
          re:run(Name, Pattern) =/= nomatch].

waits(Threads) -> [{Kind, waits_of(File)} || {Kind, File} <- Threads].

%% "ran waited slices", in ns; us.
waits_of(File) ->
    {ok, Line} = file:pread(File, 0, 100),
    [_, Waited | _] = binary:split(Line, <<" ">>, [global]),
    binary_to_integer(Waited) div 1000.

%% The longest wait of each kind.
waited(Before, After) ->
    lists:sum(maps:values(lists:foldl(
        fun({{Kind, B}, {Kind, A}}, Most) -> Most#{Kind => max(A - B, maps:get(Kind, Most, 0))} end,
        #{}, lists:zip(Before, After)))).

%% Calls that a trace shows: where in it counting began and ended.
count_begins() -> ok.
count_has_begun() -> ok.
count_ends() -> ok.
count_has_ended() -> ok.

count(Modules) ->
    count_begins(),
    [erlang:trace_pattern({M, '_', '_'}, true, [local, call_count]) || M <- Modules],
    count_has_begun().

%% [{Function, Arity, Count}] by module, of those that were called; and the counters are gone.
counted(Modules) ->
    count_ends(),
    [erlang:trace_pattern({M, '_', '_'}, pause, [local, call_count]) || M <- Modules],
    count_has_ended(),
    Counts = [{M, F, A, N} || M <- Modules, {F, A} <- M:module_info(functions),
                              {call_count, N} <- [erlang:trace_info({M, F, A}, call_count)], is_integer(N), N > 0],
    [erlang:trace_pattern({M, '_', '_'}, false, [local, call_count]) || M <- Modules],
    Counts.
