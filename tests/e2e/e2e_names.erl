%% e2e_names: processes of every kind of name, that all do the same when they are told to.
-module(e2e_names).
-export([start/0, init/1, handle_call/3, handle_cast/2, handle_info/2, plain/0, by_proc_lib/0, labelled/1, work/1, all/0, fill/2]).

%% [{Kind, Pid}], of which each obeys {work, N} and `stop`.
start() ->
    {ok, Server} = gen_server:start(?MODULE, [], []),
    Registered = spawn(?MODULE, plain, []),
    register(e2e_registered, Registered),
    Kinds = [{server, Server}, {registered, Registered}, {plain, spawn(?MODULE, plain, [])}, {fun_, spawn(fun() -> plain() end)},
             {proc_lib, proc_lib:spawn(?MODULE, by_proc_lib, [])}, {labelled, spawn(?MODULE, labelled, [{cart, 7}])},
             {huge_label, spawn(?MODULE, labelled, [lists:duplicate(100000, $x)])}],
    put(e2e_names, Kinds),
    Kinds.

%% Each once: all have worked when it returns.
all() ->
    Ref = make_ref(),
    [begin Pid ! {work, self(), Ref}, receive Ref -> ok end end || {_, Pid} <- get(e2e_names)],
    ok.

%% So many messages that nobody takes.
fill(Kind, N) ->
    {_, Pid} = lists:keyfind(Kind, 1, get(e2e_names)),
    [Pid ! nobody_takes_this || _ <- lists:seq(1, N)],
    ok.

init([]) -> {ok, []}.
handle_call(_, _, S) -> {reply, ok, S}.
handle_cast(_, S) -> {noreply, S}.
handle_info({work, From, Ref}, S) -> work(server), From ! Ref, {noreply, S};
handle_info(stop, S) -> {stop, normal, S}.

plain() ->
    receive
        {work, From, Ref} -> work(plain), From ! Ref, plain();
        stop -> ok
    end.

by_proc_lib() -> plain().

%% Before OTP 27 nobody has a label.
labelled(Label) ->
    _ = code:ensure_loaded(proc_lib),
    erlang:function_exported(proc_lib, set_label, 1) andalso apply(proc_lib, set_label, [Label]),
    plain().

work(Kind) -> Kind.
