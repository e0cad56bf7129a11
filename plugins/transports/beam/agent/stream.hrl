%% stream.hrl: frames over a connection of the run's own, past the distribution: a Unix socket where there is one, or TCP.
%%
%% A process of its own holds the socket: what it waits for (a full send buffer, a slow network) the relay never does. How much
%% may wait for it is bounded by the credit, as on the distribution: the collector grants it for what it has received.
%%
%% The collector listens; both sides prove with 16 bytes each, which travelled over the distribution, that they are the ones
%% who are meant. So frames never go to whoever happens to listen there, and nobody else can send any. Each way has a proof of its
%% own: what was said to somebody at one of them is worth nothing at the other.

-define(STREAM_MAGIC, "BTT1").
-define(STREAM_PROOF, 16).          % bytes of a token, and of an answer: over TCP, and behind it over a Unix socket
-define(STREAM_GATHER, 262144).     % bytes in one write at the most, but for a larger frame

%% {Pid, Reports}: the process that sends, connected and proven, or none: over the distribution. Throws {refused, stream, Text}.
stream_start(#{stream := Stream, lease := Lease}, Relay, Shared) ->
    Self = self(),
    Tag = make_ref(),
    {Pid, Down} = spawn_opt(fun() -> stream_begin(Stream, Lease, Relay, Shared, Self, Tag) end,
                            [monitor, ?OWN_HEAP]),
    receive
        {Tag, ok, Reports} -> erlang:demonitor(Down, [flush]), {Pid, Reports};
        {Tag, {error, Text}} -> erlang:demonitor(Down, [flush]), throw({refused, stream, Text});
        {'DOWN', Down, process, Pid, Why} -> throw({refused, stream, text("the stream was ended: ~0tP", [Why, 10])})
    end;
stream_start(_, _, _) -> {none, []}.

stream_begin(Stream, Lease, Relay, Shared, Guardian, Tag) ->
    own_begin(),
    Alive = monitor(process, Relay), % who ends with the guardian
    case stream_ways(Stream#{lease => Lease}) of
        {ok, Socket, Reports} ->
            Guardian ! {Tag, ok, Reports},
            stream_loop(Socket, Alive, Shared);
        {error, Why} ->
            Guardian ! {Tag, {error, stream_failed(Stream, Why)}}
    end.

%% To the Unix socket, where there is one, and else over TCP.
stream_ways(#{local := Local, address := Address, timeout := Timeout} = Stream) ->
    Time = case Address of <<>> -> Timeout; _ -> max(1, Timeout div 2) end,
    case stream_connect(local, {local, Local}, Stream#{port := 0, timeout := Time}) of
        {ok, Socket} -> {ok, Socket, []};
        {error, Why} when Address =:= <<>> -> {error, stream_local_failed(Local, Why)};
        {error, Why} -> stream_ways(Stream#{timeout := Time}, [stream_note(stream_local_failed(Local, Why))])
    end;
stream_ways(Stream) -> stream_ways(Stream, []).

stream_ways(#{address := Address} = Stream, Reports) ->
    case stream_connect(unicode:characters_to_list(Address, utf8), Stream) of
        {ok, Socket} -> {ok, Socket, Reports};
        Error -> Error
    end.

%% Of a name that begins with a zero there is no file (unix(7)).
stream_local_failed(Local, Why) ->
    Name = case binary_to_list(Local) of
        [0 | Rest] -> [$@, list_to_binary(Rest)];
        _ -> Local
    end,
    text("the Unix socket ~ts cannot be used: ~ts", [Name, Why]).

stream_failed(#{address := <<>>}, Why) -> text("no connection from the node: ~ts", [Why]);
stream_failed(#{address := Address, port := Port}, Why) -> text("no connection from the node to ~ts port ~b: ~ts", [Address, Port, Why]).

stream_note(Why) -> {log, info, text("its frames come over TCP: ~ts", [Why])}.

stream_connect(Address, Stream) ->
    case inet:parse_address(Address) of
        {ok, Ip} when tuple_size(Ip) =:= 8 -> stream_connect(inet6, Ip, Stream);
        {ok, Ip} -> stream_connect(inet, Ip, Stream);
        _ -> % a name: both families, each with half of the time
            Half = Stream#{timeout => max(1, maps:get(timeout, Stream) div 2)},
            case stream_connect(inet, Address, Half) of
                {ok, Socket} -> {ok, Socket};
                Error ->
                    case stream_connect(inet6, Address, Half) of
                        {ok, Socket} -> {ok, Socket};
                        {error, _} -> Error
                    end
            end
    end.

%% A collector that has read nothing for a lease is as good as gone.
stream_connect(Family, Address, #{port := Port, timeout := Timeout, lease := Lease} = Stream) ->
    By = erlang:monotonic_time(millisecond) + Timeout,
    Options = [{inet_backend, inet}, Family, binary, {packet, raw}, {active, false}, {send_timeout, max(Lease, 5000)}
               | case Family of local -> []; _ -> [{nodelay, true}, {keepalive, true}] end],
    try gen_tcp:connect(Address, Port, Options, Timeout) of
        {ok, Socket} -> stream_prove(Socket, Family, By, Stream);
        {error, Reason} -> {error, inet:format_error(Reason)}
    catch _:_ -> {error, "it is no address that the node can use"}
    end.

stream_prove(Socket, Family, By, #{token := Tokens, answer := Answers}) ->
    Way = case Family of local -> ?STREAM_PROOF; _ -> 0 end,
    Answer = binary_part(Answers, Way, ?STREAM_PROOF),
    Heard = case gen_tcp:send(Socket, [?STREAM_MAGIC, binary_part(Tokens, Way, ?STREAM_PROOF)]) of
        ok -> gen_tcp:recv(Socket, ?STREAM_PROOF, max(1, By - erlang:monotonic_time(millisecond)));
        Error -> Error
    end,
    case Heard of
        {ok, Answer} ->
            inet:setopts(Socket, [{active, once}]), % so that its end is heard of
            {ok, Socket};
        _ ->
            gen_tcp:close(Socket),
            {error, "what listens there is not this beamtap, or it did not answer in time"}
    end.

stream_loop(Socket, Alive, Shared) ->
    receive
        {stream, Frame} -> stream_gather([Frame], byte_size(Frame), Socket, Alive, Shared);
        stream_finish -> gen_tcp:close(Socket); % writes what is on its way first
        {'DOWN', Alive, process, _, _} -> gen_tcp:close(Socket);
        {tcp_closed, Socket} -> stream_broken("the collector closed it", Shared);
        {tcp_error, Socket, Reason} -> stream_broken(inet:format_error(Reason), Shared);
        _ -> stream_loop(Socket, Alive, Shared)
    end.

%% What has come meanwhile goes in the same write.
stream_gather(Frames, Size, Socket, Alive, Shared) when Size < ?STREAM_GATHER ->
    receive
        {stream, Frame} -> stream_gather([Frames, Frame], Size + byte_size(Frame), Socket, Alive, Shared)
    after 0 -> stream_write(Frames, Socket, Alive, Shared)
    end;
stream_gather(Frames, _, Socket, Alive, Shared) ->
    stream_write(Frames, Socket, Alive, Shared).

stream_write(Frames, Socket, Alive, Shared) ->
    case gen_tcp:send(Socket, Frames) of
        ok -> stream_loop(Socket, Alive, Shared);
        {error, Reason} -> stream_broken(inet:format_error(Reason), Shared)
    end.

%% From here on the relay sends nothing more here; the run ends, and its last report goes over the distribution.
stream_broken(Why, Shared) ->
    atomics:put(Shared, ?BROKEN, 1),
    exit({shutdown, text("the connection to the collector broke: ~ts", [Why])}).

%% Where every frame goes. Anything but ok: not now, or never.
stream_send(Frame, #run{stream = none, collector = Collector}) ->
    erlang:send(Collector, Frame, [nosuspend, noconnect]);
stream_send(Frame, #run{stream = Stream} = Run) ->
    case stream_is_broken(Run) of
        false -> Stream ! {stream, Frame}, ok;
        true -> broken
    end.

stream_is_broken(#run{shared = Shared}) -> atomics:get(Shared, ?BROKEN) =/= 0.

stream_end_text({shutdown, Text}) when is_binary(Text) -> Text;
stream_end_text(Why) -> text("the process that sends to the collector was ended: ~0tP", [Why, 10]).

stream_finish(#run{stream = none}) -> ok;
stream_finish(#run{stream = Stream}) -> Stream ! stream_finish, ok.
