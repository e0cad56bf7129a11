%% e2e_flood: more than any tracer can carry, counted by itself.
%%
%% run(Spawners, Rate, Children): that many processes in all are spawned, Rate a second if the machine can; each makes one call
%% of target/1 and sends one message to one of the mailboxes, which receive all of them before run returns. counts() says how
%% many of each there were so far, and how long the spawning took.
%% ping_begin(Node) and ping_end(): asks Node each 10 ms, from the node where it runs; {Answers, Worst in microseconds}.
-module(e2e_flood).
-export([start/0, run/3, counts/0, target/1, ping_begin/1, ping_end/0]).

-define(SPAWNS, 1).
-define(CALLS, 2).
-define(SENDS, 3).
-define(RECEIVES, 4).

start() ->
    persistent_term:put(?MODULE, counters:new(4, [atomics])).

counts() ->
    C = persistent_term:get(?MODULE),
    list_to_tuple([counters:get(C, I) || I <- [?SPAWNS, ?CALLS, ?SENDS, ?RECEIVES]]).

%% Microseconds that it took until the last was spawned.
run(Spawners, Rate, Children) ->
    C = persistent_term:get(?MODULE),
    Mailboxes = list_to_tuple([spawn_link(fun() -> mailbox(C) end) || _ <- lists:seq(1, 4)]),
    Began = erlang:monotonic_time(microsecond),
    First = element(?SPAWNS, counts()),
    Each = Children div Spawners,
    Refs = [monitor(process, spawn(fun() ->
                spawner(C, Mailboxes, First + I * Each, Each, Began, Rate / Spawners / 1.0e6, 0)
            end)) || I <- lists:seq(0, Spawners - 1)],
    [receive {'DOWN', R, process, _, normal} -> ok end || R <- Refs],
    Took = erlang:monotonic_time(microsecond) - Began,
    wait_until(First + Each * Spawners),
    [begin unlink(M), exit(M, kill) end || M <- tuple_to_list(Mailboxes)],
    Took.

wait_until(N) ->
    case counts() of
        {N, N, N, N} -> ok;
        _ -> receive after 20 -> wait_until(N) end
    end.

spawner(_, _, _, Each, _, _, Each) -> ok;
spawner(C, Mailboxes, First, Each, Began, Rate, Done) ->
    Due = min(Each, trunc((erlang:monotonic_time(microsecond) - Began) * Rate)),
    case Due > Done of
        true ->
            [begin
                 counters:add(C, ?SPAWNS, 1),
                 spawn(fun() -> child(C, element(1 + I rem 4, Mailboxes), First + I) end)
             end || I <- lists:seq(Done, Due - 1)],
            spawner(C, Mailboxes, First, Each, Began, Rate, Due);
        false ->
            receive after 1 -> spawner(C, Mailboxes, First, Each, Began, Rate, Done) end
    end.

child(C, Mailbox, I) ->
    I = target(I),
    counters:add(C, ?CALLS, 1),
    Mailbox ! {storm, I},
    counters:add(C, ?SENDS, 1).

target(I) -> I.

mailbox(C) ->
    receive {storm, _} -> counters:add(C, ?RECEIVES, 1), mailbox(C) end.

ping_begin(Node) ->
    Parent = self(),
    register(e2e_ping, spawn(fun() -> Parent ! up, pings(Node, 0, 0) end)),
    receive up -> ok end.

ping_end() ->
    e2e_ping ! {stop, self()},
    receive {e2e_ping, Result} -> Result end.

pings(Node, N, Worst) ->
    Began = erlang:monotonic_time(microsecond),
    pong = net_adm:ping(Node),
    Took = max(Worst, erlang:monotonic_time(microsecond) - Began),
    receive {stop, From} -> From ! {e2e_ping, {N + 1, Took}}
    after 10 -> pings(Node, N + 1, Took)
    end.
