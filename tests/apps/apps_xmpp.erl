%% apps_xmpp: a load for ejabberd, over XMPP, from a node of its own: users in a ring, each of whom writes to the next one.
-module(apps_xmpp).
-export([start/3, delivered/0, stop/0]).

-define(AHEAD, 20). % messages that a user has written more than it has got, at the most, before it waits

%% Each writes so many messages, and again in the next 20 ms. What it was is said by stop/0.
start(Port, Users, Batch) ->
    Parent = self(),
    spawn(fun() ->
        register(?MODULE, self()),
        ets:new(?MODULE, [named_table, public]),
        ets:insert(?MODULE, [{sent, 0}, {delivered, 0}]),
        Self = self(),
        Workers = [spawn_link(fun() -> user(Self, Port, I, I rem Users + 1, Batch) end) || I <- lists:seq(1, Users)],
        [receive {ready, W} -> ok end || W <- Workers],
        [W ! go || W <- Workers],
        Parent ! {?MODULE, started},
        receive {stop, From} -> ok end,
        [W ! stop || W <- Workers],
        [receive {stopping, W} -> ok end || W <- Workers], % nobody writes any more
        [W ! finish || W <- Workers],
        [receive {finished, W} -> ok end || W <- Workers],
        From ! {?MODULE, ets:lookup_element(?MODULE, sent, 2), delivered()}
    end),
    receive {?MODULE, started} -> started end.

delivered() -> ets:lookup_element(?MODULE, delivered, 2).

%% {messages written, messages got}.
stop() ->
    ?MODULE ! {stop, self()},
    receive {?MODULE, Sent, Delivered} -> {Sent, Delivered} end.

name(I) -> ["user", integer_to_list(I)].

user(Parent, Port, I, Next, Batch) ->
    {ok, Socket} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {nodelay, true}]),
    Stream = "<stream:stream to='localhost' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>",
    step(Socket, Stream, <<"</stream:features>">>),
    Login = base64:encode(iolist_to_binary([0, name(I), 0, "secret"])),
    step(Socket, ["<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>", Login, "</auth>"], <<"<success">>),
    step(Socket, Stream, <<"</stream:features>">>),
    step(Socket, "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>", <<"</iq>">>),
    step(Socket, "<presence/>", <<"<presence">>),
    Parent ! {ready, self()},
    receive go -> ok end,
    Message = ["<message type='chat' to='", name(Next), "@localhost'><body>", lists:duplicate(100, $b), "</body></message>"],
    write(Socket, lists:duplicate(Batch, Message), Batch, now_ms(), {0, 0, <<>>}),
    Parent ! {stopping, self()},
    finish(Socket),
    Parent ! {finished, self()}.

step(Socket, Text, Until) ->
    ok = gen_tcp:send(Socket, Text),
    answered(Socket, Until, <<>>).

answered(Socket, Until, Got) ->
    {ok, More} = gen_tcp:recv(Socket, 0),
    All = <<Got/binary, More/binary>>,
    case binary:match(All, Until) of
        nomatch -> answered(Socket, Until, All);
        _ -> ok
    end.

now_ms() -> erlang:monotonic_time(millisecond).

write(Socket, Messages, Batch, Due, {Sent, Got, Rest}) ->
    Now = now_ms(),
    receive stop -> put(rest, Rest)
    after 0 ->
        case Now >= Due andalso Sent - Got =< ?AHEAD of
            true ->
                ok = gen_tcp:send(Socket, Messages),
                ets:update_counter(?MODULE, sent, Batch),
                write(Socket, Messages, Batch, Now + 20, {Sent + Batch, Got, Rest});
            false ->
                {More, Rest1} = read(Socket, Rest, 5),
                write(Socket, Messages, Batch, Due, {Sent, Got + More, Rest1})
        end
    end.

%% {messages that have come whole, bytes behind them}.
read(Socket, Rest, Timeout) ->
    case gen_tcp:recv(Socket, 0, Timeout) of
        {ok, More} ->
            Parts = binary:split(<<Rest/binary, More/binary>>, <<"</message>">>, [global]),
            ets:update_counter(?MODULE, delivered, length(Parts) - 1),
            {length(Parts) - 1, lists:last(Parts)};
        {error, timeout} -> {0, Rest}
    end.

%% Nobody writes any more: they read until nobody's is missing.
finish(Socket) ->
    receive finish -> finishing(Socket, get(rest)) end.

finishing(Socket, Rest) ->
    case ets:lookup_element(?MODULE, sent, 2) =:= delivered() of
        true -> gen_tcp:close(Socket);
        false -> {_, Rest1} = read(Socket, Rest, 5), finishing(Socket, Rest1)
    end.
