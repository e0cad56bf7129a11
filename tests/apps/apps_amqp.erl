%% apps_amqp: a load for RabbitMQ, over AMQP 0-9-1, from a node of its own.
-module(apps_amqp).
-export([fill/3, start/4, delivered/0, stop/0, depth/2]).
-include_lib("amqp_client/include/amqp_client.hrl").

%% A classic queue with so many messages in it.
fill(Port, Queue, Count) ->
    {Connection, Channel} = open(Port),
    declare(Channel, Queue),
    confirmed(Channel, Queue, Count, 1000),
    amqp_connection:close(Connection),
    ok.

depth(Port, Queue) ->
    {Connection, Channel} = open(Port),
    #'queue.declare_ok'{message_count = Count} = amqp_channel:call(Channel, #'queue.declare'{queue = Queue, passive = true}),
    amqp_connection:close(Connection),
    Count.

%% For each queue one who publishes so many messages, waits until they are confirmed, and again in the next 20 ms; and one who
%% takes and acknowledges them, either as they are delivered, or (get) as many as were published, so that the rest stays.
%% What it was is said by stop/0.
start(Port, Queues, Batch, How) ->
    Parent = self(),
    spawn(fun() ->
        register(?MODULE, self()),
        ets:new(?MODULE, [named_table, public]),
        ets:insert(?MODULE, [{published, 0}, {delivered, 0}]),
        Self = self(),
        Workers = [spawn_link(fun() -> publish(Self, Port, Q, Batch, How) end) || Q <- Queues]
            ++ [spawn_link(fun() -> consume(Self, Port, Q) end) || Q <- Queues, How =:= deliver],
        [receive {ready, W} -> ok end || W <- Workers],
        Parent ! {?MODULE, started},
        receive {stop, From} -> ok end,
        [begin W ! stop, receive {W, stopped} -> ok end end || W <- Workers],
        From ! {?MODULE, ets:lookup_element(?MODULE, published, 2), delivered()}
    end),
    receive {?MODULE, started} -> started end.

delivered() -> ets:lookup_element(?MODULE, delivered, 2).

%% {messages published and confirmed, messages delivered}.
stop() ->
    ?MODULE ! {stop, self()},
    receive {?MODULE, Published, Delivered} -> {Published, Delivered} end.

open(Port) ->
    {ok, Connection} = amqp_connection:start(#amqp_params_network{host = "127.0.0.1", port = Port}),
    {ok, Channel} = amqp_connection:open_channel(Connection),
    {Connection, Channel}.

declare(Channel, Queue) ->
    #'queue.declare_ok'{} = amqp_channel:call(Channel, #'queue.declare'{queue = Queue}).

confirmed(Channel, Queue, Count, Batch) ->
    #'confirm.select_ok'{} = amqp_channel:call(Channel, #'confirm.select'{}),
    batches(Channel, Queue, Count, Batch).

batches(_, _, Left, _) when Left =< 0 -> ok;
batches(Channel, Queue, Left, Batch) ->
    [put(Channel, Queue, I) || I <- lists:seq(1, min(Left, Batch))],
    true = amqp_channel:wait_for_confirms(Channel, 60),
    batches(Channel, Queue, Left - Batch, Batch).

put(Channel, Queue, I) ->
    ok = amqp_channel:cast(Channel, #'basic.publish'{routing_key = Queue},
        #amqp_msg{props = #'P_basic'{headers = [{<<"number">>, long, I}]}, payload = binary:copy(<<I:32>>, 25)}).

publish(Parent, Port, Queue, Batch, How) ->
    {Connection, Channel} = open(Port),
    declare(Channel, Queue),
    #'confirm.select_ok'{} = amqp_channel:call(Channel, #'confirm.select'{}),
    Parent ! {ready, self()},
    publishing(Channel, Queue, Batch, How),
    amqp_connection:close(Connection),
    Parent ! {self(), stopped}.

publishing(Channel, Queue, Batch, How) ->
    Began = erlang:monotonic_time(millisecond),
    batches(Channel, Queue, Batch, Batch),
    ets:update_counter(?MODULE, published, Batch),
    get_back(Channel, Queue, Batch, How),
    receive stop -> ok
    after max(0, Began + 20 - erlang:monotonic_time(millisecond)) -> publishing(Channel, Queue, Batch, How)
    end.

get_back(_, _, _, deliver) -> ok;
get_back(Channel, Queue, Count, get) ->
    [begin
         {#'basic.get_ok'{delivery_tag = Tag}, _} = amqp_channel:call(Channel, #'basic.get'{queue = Queue}),
         ok = amqp_channel:cast(Channel, #'basic.ack'{delivery_tag = Tag}),
         ets:update_counter(?MODULE, delivered, 1)
     end || _ <- lists:seq(1, Count)].

consume(Parent, Port, Queue) ->
    {Connection, Channel} = open(Port),
    declare(Channel, Queue),
    #'basic.qos_ok'{} = amqp_channel:call(Channel, #'basic.qos'{prefetch_count = 200}),
    #'basic.consume_ok'{} = amqp_channel:subscribe(Channel, #'basic.consume'{queue = Queue}, self()),
    Parent ! {ready, self()},
    consuming(Channel),
    amqp_connection:close(Connection),
    Parent ! {self(), stopped}.

%% What was published is taken before it stops: its publisher has stopped by then.
consuming(Channel) ->
    receive
        {#'basic.deliver'{delivery_tag = Tag}, _} ->
            ok = amqp_channel:cast(Channel, #'basic.ack'{delivery_tag = Tag}),
            ets:update_counter(?MODULE, delivered, 1),
            consuming(Channel);
        #'basic.consume_ok'{} -> consuming(Channel);
        stop -> consume_rest(Channel)
    end.

consume_rest(Channel) ->
    case delivered() < ets:lookup_element(?MODULE, published, 2) of
        true -> self() ! stop, receive after 5 -> consuming(Channel) end;
        false -> ok
    end.
