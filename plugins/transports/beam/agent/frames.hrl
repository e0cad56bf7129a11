%% frames.hrl: from encoded trace messages to frames that are sent, held or lost.
%%
%% The header is built when a frame is complete, so numbers and sequence numbers stand in it in the order in which frames
%% leave. Only the newest frame is ever dropped: what is held keeps its numbers.

-define(FRAME_LIST, 4). % TAP_FRAME_ONE_LIST
-define(WEIGHED, 8).    % messages of a frame
-define(WORDS_LARGE, 131072).

%% ---- Frames --------------------------------------------------------------------------------------------------------

%% N messages, the latest first. A frame is encoded at once: that takes half of what its messages take one by one, and how
%% large each is seldom matters. Where it may (one could be above max_term, or the frame is much too large), they go one
%% by one after all.
relay_emit(_, 0, R) -> R;
relay_emit(Acc, N, R) ->
    {Some, Words} = relay_words(Acc, N, R),
    {Judged, Count, R0} = first_pick(lists:reverse(Acc), N, R),
    {Read, R00} = stack_pick(Judged, R0),
    case own_pick(Read, Count, R00) of
        {_, 0, R1} -> R1;
        {Messages, Kept, R1} -> relay_emit(Messages, Kept, Some, Words, R1)
    end.

relay_emit(Messages, N, Some, Words, #relay{max_term = Max} = R0) ->
    if
        Words > ?WORDS_LARGE -> % not encoded whole: most of it may be cut
            relay_emit_each(Messages, [], 0, 0, R0#relay{weight = relay_weight(Some, Words, R0#relay.average)});
        true ->
            Body = term_to_binary(Messages),
            R = R0#relay{weight = relay_weight(Some, Words, byte_size(Body) div N)},
            case byte_size(Body) of
                Size when Size =< Max, Size =< 2 * ?FRAME_BYTES -> relay_put(?FRAME_LIST, Body, N, Size, R);
                Size when Size =< 2 * ?FRAME_BYTES ->
                    case lists:any(fun(M) -> erlang:external_size(M) > Max end, Messages) of
                        false -> relay_put(?FRAME_LIST, Body, N, Size, R);
                        true -> relay_emit_each(Messages, [], 0, 0, R)
                    end;
                _ -> relay_emit_each(Messages, [], 0, 0, R)
            end
    end.

%% Words of the latest few, which stand for all.
relay_words(Acc, N, R) when N =< ?WEIGHED -> {N, erts_debug:flat_size(Acc) + stack_words(Acc, R)};
relay_words(Acc, _, R) -> relay_words(lists:sublist(Acc, ?WEIGHED), ?WEIGHED, R).

%% Bytes that a message takes in the mailbox: what is built of words can be many times as large there as it is encoded (a list of
%% small numbers is sixteen times), and a binary is as large.
relay_weight(Some, Words, Encoded) -> max(2 * Encoded, 64 + 8 * (Words div Some)).

relay_emit_each([], Body, N, Size, R) ->
    relay_put(0, Body, N, Size, R);
relay_emit_each([Message | Rest], Body, N, Size, #relay{max_term = Max} = R) ->
    {Bin, R1} = case erlang:external_size(Message) of
        Large when Large > Max -> relay_cut(Message, R);
        _ -> {term_to_binary(Message), R}
    end,
    case byte_size(Bin) of
        Length when N > 0, Size + Length + 4 > ?FRAME_BYTES ->
            R2 = relay_put(0, Body, N, Size, R1),
            relay_emit_each(Rest, [<<Length:32>> | Bin], 1, Length + 4, R2);
        Length ->
            relay_emit_each(Rest, [Body, <<Length:32>> | Bin], N + 1, Size + Length + 4, R1)
    end.

%% A frame of N messages is complete.
relay_put(Flags, Body, N, Size, #relay{seq = Seq} = R0) ->
    R = R0#relay{seq = Seq + N, in_window = R0#relay.in_window + N, average = Size div N},
    case relay_may_send(R, 40 + Size) of
        true ->
            relay_send(relay_frame(Flags, N, Body, Size, Seq, R), N, relay_framed(R));
        false when R#relay.held_bytes + Size > R#relay.held_max ->
            relay_lose(N, ?REASON_CREDIT, R);
        false ->
            relay_hold(relay_frame(Flags, N, Body, Size, Seq, R), N, relay_framed(R))
    end.

relay_frame(Flags, Count, Body, Size, Seq, #relay{number = Number, why = Why, lost = Lost}) ->
    iolist_to_binary([<<"BTF1", 1, Flags, 0:16, Number:32, Why:32, Seq:64, Count:32, Lost:32, 0:32, Size:32>> | Body]).

%% Published before it is sent: when the relay is killed just now, the guardian's report leaves a hole and repeats no number.
relay_framed(R) ->
    R1 = R#relay{number = R#relay.number + 1, lost = 0, why = 0},
    relay_publish(R1),
    R1.

relay_may_send(#relay{held_bytes = 0, sent_bytes = Sent, run = #run{shared = Shared}}, Bytes) ->
    Sent + Bytes =< atomics:get(Shared, ?CREDIT);
relay_may_send(_, _) -> false.

relay_send(Frame, N, R) ->
    case stream_send(Frame, R#relay.run) of
        ok -> R#relay{sent = R#relay.sent + N, sent_bytes = R#relay.sent_bytes + byte_size(Frame)};
        _ -> relay_hold(Frame, N, R)
    end.

relay_hold(Frame, N, R) ->
    R#relay{held = queue:in({Frame, N}, R#relay.held), held_bytes = R#relay.held_bytes + byte_size(Frame)}.

%% Counts N trace messages as lost. They have their sequence numbers already: whoever takes them gives them.
relay_lose(0, _, R) -> R;
relay_lose(N, Why, #relay{lost = Lost, why = Was} = R) ->
    R#relay{lost = Lost + N, why = case Was of 0 -> Why; _ -> Was end}.

relay_send_held(#relay{held_bytes = 0} = R) -> R;
relay_send_held(#relay{held = Held, held_bytes = Bytes, sent_bytes = Sent, run = Run} = R) ->
    {value, {Frame, N}} = queue:peek(Held),
    Size = byte_size(Frame),
    case Sent + Size =< atomics:get(Run#run.shared, ?CREDIT) andalso
        stream_send(Frame, Run) of
        ok ->
            relay_send_held(R#relay{held = queue:drop(Held), held_bytes = Bytes - Size, sent_bytes = Sent + Size,
                                    sent = R#relay.sent + N});
        _ -> R
    end.

%% A report stands in the stream where it belongs: behind what is held. It needs no credit.
relay_control(Report, #relay{seq = Seq} = R) ->
    Bin = term_to_binary(Report),
    Length = byte_size(Bin),
    %% What was lost belongs to a frame of events: it is said first.
    R1 = relay_say_lost(Seq, R),
    relay_send_free(relay_frame(1, 1, [<<Length:32>>, Bin], Length + 4, Seq, R1), relay_framed(R1)).

%% An empty frame of events; its first sequence number, Seq, is the next one, after those lost.
relay_say_lost(_, #relay{lost = 0} = R) -> R;
relay_say_lost(Seq, R) -> relay_send_free(relay_frame(0, 0, [], 0, Seq, R), relay_framed(R)).

%% A frame without events.
relay_send_free(Frame, #relay{held_bytes = 0} = R) -> relay_send(Frame, 0, R);
relay_send_free(Frame, R) -> relay_hold(Frame, 0, R).
