%% e2e_follow: a supervisor whose worker has a name and is started again, and processes in a tree.
-module(e2e_follow).
-export([start/1, init/1, worker/1, loop/1, work/2, done/2, kill/1, tree/0, below/1]).

%% A supervisor `e2e_sup` with one worker that registers Name.
start(Name) ->
    {ok, Sup} = supervisor:start_link({local, e2e_sup}, ?MODULE, Name),
    unlink(Sup),
    ok.

init(Name) ->
    {ok, {#{strategy => one_for_one, intensity => 1000, period => 1}, [#{id => worker, start => {?MODULE, worker, [Name]}}]}}.

worker(Name) -> proc_lib:start_link(?MODULE, loop, [Name]).

loop(Name) ->
    register(Name, self()),
    proc_lib:init_ack({ok, self()}),
    below(Name).

below(Name) ->
    receive
        {work, From, Ref, N} -> done(Name, N), From ! Ref, below(Name);
        {child, From, Ref} -> From ! {Ref, spawn(?MODULE, below, [child])}, below(Name);
        stop -> ok
    end.

done(_, N) -> N.

%% Has a process (or who bears a name) call done/2 with N.
work(Who, N) ->
    Ref = make_ref(),
    Who ! {work, self(), Ref, N},
    receive Ref -> ok end.

%% Ends who bears the name; another one bears it when this returns.
kill(Name) ->
    Old = whereis(Name),
    Down = monitor(process, Old),
    exit(Old, kill),
    receive {'DOWN', Down, process, _, _} -> ok end,
    (fun Wait() -> case whereis(Name) of New when is_pid(New), New =/= Old -> New; _ -> timer:sleep(1), Wait() end end)().

%% A process `e2e_root`, its child and its grandchild: their pids. A stranger, too, is spawned.
tree() ->
    Root = spawn(?MODULE, below, [root]),
    register(e2e_root, Root),
    Child = child(Root),
    {Root, Child, child(Child), spawn(?MODULE, below, [stranger])}.

child(Pid) ->
    Ref = make_ref(),
    Pid ! {child, self(), Ref},
    receive {Ref, Child} -> Child end.
