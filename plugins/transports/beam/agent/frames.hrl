%% frames.hrl: from encoded trace messages to frames that are sent, held or lost; and terms that are too large for one.
%%
%% The header is built when a frame is complete, so numbers and sequence numbers stand in it in the order in which frames
%% leave. Only the newest frame is ever dropped: what is held keeps its numbers.

-define(FRAME_LIST, 4). % TAP_FRAME_ONE_LIST
-define(WEIGHED, 8).    % messages of a frame

%% ---- Frames --------------------------------------------------------------------------------------------------------

%% N messages, the latest first. A frame is encoded at once: that takes half of what its messages take one by one, and how
%% large each is seldom matters. Where it may (one could be above max_term, or the frame is much too large), they go one
%% by one after all.
relay_emit(_, 0, R) -> R;
relay_emit(Acc, N, #relay{max_term = Max} = R0) ->
    Messages = lists:reverse(Acc),
    Body = term_to_binary(Messages),
    R = R0#relay{weight = relay_weight(Acc, N, byte_size(Body))},
    case byte_size(Body) of
        Size when Size =< Max, Size =< 2 * ?FRAME_BYTES -> relay_put(?FRAME_LIST, Body, N, Size, R);
        Size when Size =< 2 * ?FRAME_BYTES ->
            case lists:any(fun(M) -> erlang:external_size(M) > Max end, Messages) of
                false -> relay_put(?FRAME_LIST, Body, N, Size, R);
                true -> relay_emit_each(Messages, [], 0, 0, R)
            end;
        _ -> relay_emit_each(Messages, [], 0, 0, R)
    end.

%% Bytes that a message takes in the mailbox: what is built of words can be many times as large there as it is encoded (a list of
%% small numbers is sixteen times), and a binary is as large. The latest few stand for all.
relay_weight(Acc, N, Size) ->
    Some = min(N, ?WEIGHED),
    Words = erts_debug:flat_size(if Some =:= N -> Acc; true -> lists:sublist(Acc, Some) end),
    max(2 * (Size div N), 64 + 8 * (Words div Some)).

relay_emit_each([], Body, N, Size, R) ->
    relay_put(0, Body, N, Size, R);
relay_emit_each([Message | Rest] = All, Body, N, Size, #relay{max_term = Max} = R) ->
    Bin = term_to_binary(Message),
    case byte_size(Bin) of
        Length when N > 0, Size + Length + 4 > ?FRAME_BYTES ->
            relay_emit_each(All, [], 0, 0, relay_put(0, Body, N, Size, R));
        Length when Length =< Max ->
            relay_emit_each(Rest, [Body, <<Length:32>> | Bin], N + 1, Size + Length + 4, R);
        _ ->
            {Cut, R1} = relay_cut(Message, Bin, R),
            Length = byte_size(Cut),
            relay_emit_each(Rest, [Body, <<Length:32>> | Cut], N + 1, Size + Length + 4, R1)
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
    R1 = relay_say_lost(R),
    Frame = relay_frame(1, 1, [<<Length:32>>, Bin], Length + 4, Seq, R1#relay{lost = 0, why = 0}),
    R2 = relay_framed(R1),
    case R2#relay.held_bytes of
        0 -> relay_send(Frame, 0, R2);
        _ -> relay_hold(Frame, 0, R2)
    end.

relay_say_lost(#relay{lost = 0} = R) -> R;
relay_say_lost(#relay{seq = Seq} = R) ->
    %% An empty frame of events; its first sequence number is the next one, after those lost.
    Frame = relay_frame(0, 0, [], 0, Seq, R),
    R1 = relay_framed(R),
    case R1#relay.held_bytes of
        0 -> relay_send(Frame, 0, R1);
        _ -> relay_hold(Frame, 0, R1)
    end.

%% ---- Terms above max_term ------------------------------------------------------------------------------------------

%% The tracee has paid for the copy before we see it. What can be done is to see no second one.
relay_cut(Message, Bin, #relay{max_term = Max} = R) ->
    case cut_payload(Message, Max) of
        Message -> {Bin, R}; % many small parts: the payload itself is not too large
        Cut -> {term_to_binary(Cut), relay_payloads_off(Message, R)}
    end.

cut_payload(Message, Max) ->
    Last = tuple_size(Message),
    lists:foldl(fun(I, M) when I < Last -> setelement(I, M, cut_element(I, element(3, M), element(I, M), Max));
                   (_, M) -> M
                end, Message, [4, 5, 6]).

cut_element(4, Tag, {M, F, Args}, Max) when Tag =:= call -> {M, F, cut_arguments(Args, Max)};
cut_element(5, Tag, {M, F, Args}, Max) when Tag =:= spawn; Tag =:= spawned -> {M, F, cut_arguments(Args, Max)};
cut_element(_, _, {'$beamtap_from', Node, Sender, X}, Max) -> {'$beamtap_from', Node, Sender, cut_term(X, Max)};
cut_element(_, _, {'$beamtap_caller', Caller, X}, Max) -> {'$beamtap_caller', Caller, cut_term(X, Max)};
cut_element(_, _, {'$beamtap_x', X}, Max) -> {'$beamtap_x', cut_term(X, Max)};
cut_element(_, _, Term, Max) -> cut_term(Term, Max).

%% Which function it was is told all the same: its return is not another one's.
cut_arguments(Args, Max) when is_list(Args) ->
    case cut_term(Args, Max) of
        Args -> Args;
        {'$beamtap_cut', Size} -> {'$beamtap_cut', Size, length(Args)}
    end;
cut_arguments(Args, Max) -> cut_term(Args, Max).

cut_term(Term, Max) ->
    case erlang:external_size(Term) of
        Size when Size > Max -> {'$beamtap_cut', Size};
        _ -> Term
    end.

relay_payloads_off(Message, R) when element(3, Message) =:= return_from; element(3, Message) =:= exception_from ->
    MFA = element(4, Message),
    case R#relay.relieved of
        #{MFA := _} -> R;
        Relieved ->
            R#relay.guardian ! {relay_relieve, MFA, <<"it returned a term above max_term">>},
            R#relay{relieved = Relieved#{MFA => true}}
    end;
relay_payloads_off(Message, #relay{payloads = true, run = Run, max_term = Max} = R) ->
    Tag = element(3, Message),
    case lists:member(Tag, [call, send, send_to_non_existing_process, 'receive']) of
        false -> R;
        true ->
            Flags = [arity | Run#run.flags -- [send, 'receive', arity]],
            Less = Run#run{flags = Flags},
            flags_pause(Run),
            R#relay.paused =:= none andalso R#relay.ended =:= false andalso relay_on(Less),
            Text = text("a ~s carried a term above max_term (~b bytes): from here on calls come without their arguments, "
                        "and sends and receives not at all", [Tag, Max]),
            R#relay{payloads = false, run = Less, say = [{log, warning, Text} | R#relay.say]}
    end;
relay_payloads_off(_, R) -> R.
