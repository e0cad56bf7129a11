%% e2e_gen: a server and a client whose calls, casts and replies are known beforehand.
-module(e2e_gen).
-behaviour(gen_server).
-export([start/1, client/3]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

start(Name) -> {ok, Pid} = gen_server:start({local, Name}, ?MODULE, [], []), Pid.

%% In a process of its own: N calls, a call that is answered from elsewhere after Ms, N casts, a call that is answered too
%% late, and a pair with a reference that is no reply. Its pid, when everything is done.
client(Server, N, Ms) ->
    {Pid, Down} = spawn_monitor(fun() ->
        [{echo, I} = gen_server:call(Server, {echo, I}) || I <- lists:seq(1, N)],
        late = gen_server:call(Server, {later, Ms}, 60000),
        [gen_server:cast(Server, {note, I}) || I <- lists:seq(1, N)],
        try gen_server:call(Server, {never, self()}, 50) catch exit:{timeout, _} -> ok end,
        self() ! {make_ref(), no_reply},
        receive {_, no_reply} -> ok end,
        done = gen_server:call(Server, done)
    end),
    receive {'DOWN', Down, process, Pid, normal} -> Pid end.

init([]) -> {ok, 0}.

handle_call({echo, I}, _, S) -> {reply, {echo, I}, S};
handle_call({later, Ms}, From, S) ->
    spawn(fun() -> timer:sleep(Ms), gen_server:reply(From, late) end),
    {noreply, S};
handle_call({never, _}, _, S) -> {noreply, S};
handle_call(done, _, S) -> {reply, done, S}.

handle_cast({note, _}, S) -> {noreply, S + 1}.
handle_info(_, S) -> {noreply, S}.
