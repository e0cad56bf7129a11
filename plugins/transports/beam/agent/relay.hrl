%% relay.hrl: the tracer process. Trace messages in, frames out.
%%
%% The loop that takes messages does as little as it can: it keeps them, and a frame's worth is encoded at once. Everything
%% else (queue length, credit, limits) is looked at once a frame. Every trace message that is taken out of the mailbox gets a sequence number, and is
%% then either sent or counted as lost, so the sums are exact; while tracing is paused nothing is produced, and a gap
%% report gives the times.
%%
%% It never waits for the collector. A frame that may not be sent yet (no credit, or the connection is busy) is held; when
%% what is held reaches its bound, frames are dropped and counted. With overload = pause the events are turned off
%% before that, at half of it, and on again when everything held is gone.

-define(FRAME_EVENTS, 256).
-define(FRAME_BYTES, 65536).
-define(FRAME_MS, 5).
-define(PROBE, 15).             % one message in this many, and one, is measured (a power of two, less one)
-define(HELD_UNLIMITED, 8388608). % bytes of frames that wait for credit where max_memory sets no limit
-define(WINDOW, 1000000000).    % ns: of max_rate
-define(QUEUE_STORM, 1000000).  % max_queue above which the traced processes go first
-define(TURN, 10000000).        % ns that it works before others of its scheduler have theirs
-define(CROWD, 1000).           % runnable processes that are too many to wait for

%% The events are off (pause.hrl).
-record(pause, {
    reason, text,
    from,           % ns of monotonic time
    until,          % ns: not on again before that
    drained         % true, or the reference of the message that says so
}).
-record(relay, {
    run, guardian,
    max_term, max_queue, max_memory, max_rate, max_events, overload,
    cap = ?FRAME_EVENTS,        % events in the next frame at the most: a limit may be near
    seq = 0,                    % trace messages taken and numbered
    sent = 0,                   % events in frames sent
    sent_bytes = 0,
    number = 0,                 % of the next frame
    lost = 0, why = 0,          % lost since the last frame
    held = queue:new(), held_bytes = 0, % [{Frame, Events}]
    held_max,                   % bytes of frames that may wait for credit: an eighth of max_memory
    paused = none,              % none | #pause{}
    rest = 0, resumed = none,   % ms of the last pause; ns when it ended
    window = 0, in_window = 0,  % max_rate: when the window began, events since
    turn = 0,                   % ns: when it began to work without a break
    urgent = 0,                 % urgent reports taken
    average = 64,               % bytes an event, lately, in a frame
    weight = 128,               % and in the mailbox
    base = 0,                   % bytes that the node's processes had at the start
    light = #{},                % pid => ms: its large arguments were seen (terms.hrl)
    quiet = #{},                % {Pid | all, send | 'receive'} => {Since, Text}: left out for a while
    tries = #{},                % and how often they were
    quiet_longest = 0,          % ns
    logged = 0,
    first = none,               % #first{}: how calls of modules that were just loaded are judged
    own = #{},                  % pids of beamtap's that have just been met (own.hrl)
    returns_off = #{},             % functions whose values were too large
    dumps = none,               % none | MFA => true: those whose dumps were too large (stack.hrl)
    say = [],                   % reports to send behind the frame that is being made
    ended = false               % the guardian was told that this run is over
}).

%% Waits until the plan has been made real, so that its report stands before the first event.
relay_begin(Guardian) ->
    own_begin(),
    receive
        {native_open, Guardian, Ref, Module, Stream, Options} ->
            relay_native(Guardian, Ref, Module, Stream, Options);
        {relay_begin, Guardian, #run{options = Options} = Run, Reports, Entries} ->
            #{max_term := Term, max_queue := Queue, max_memory := Memory, max_rate := Rate, max_events := Events,
              overload := Overload} = Options,
            Run#run.stream =/= none andalso monitor(process, Run#run.stream, [{tag, stream_down}]),
            R0 = #relay{run = Run, guardian = Guardian, max_term = Term, max_queue = max(1, Queue),
                        max_memory = Memory, held_max = relay_held_max(Memory), max_rate = Rate, max_events = Events,
                        overload = Overload, base = erlang:memory(processes), first = first_new(Entries, Run#run.otp), dumps = stack_new(Entries),
                        window = erlang:monotonic_time(nanosecond)},
            R1 = relay_cap(lists:foldl(fun relay_control/2, R0, Reports)),
            relay_collect([], 0, R1)
    end.

relay_held_max(0) -> ?HELD_UNLIMITED;
relay_held_max(Memory) -> max(?FRAME_BYTES, Memory div 8).

%% Acc: the messages of the frame in the making, the latest first.
relay_collect(Acc, N, #relay{cap = Cap} = R) when N >= Cap ->
    relay_collect([], 0, relay_check(relay_emit(Acc, N, R)));
relay_collect(Acc, N, R) ->
    receive
        Message when element(1, Message) =:= trace_ts ->
            case N band ?PROBE of
                0 -> relay_probe(Message, Acc, N, R);
                _ -> relay_collect([Message | Acc], N + 1, R)
            end;
        Message -> relay_take(Message, Acc, N, R)
    after 0 ->
        relay_idle(Acc, N, R, undefined)
    end.

%% To know every message's size costs half as much as to encode it. One in sixteen is looked at: where it is large, the frame
%% ends with it, so that large terms neither pile up here nor stay unseen.
relay_probe(Message, Acc, N, R) ->
    case erlang:external_size(Message) of
        Size when Size > ?FRAME_BYTES div (?PROBE + 1) ->
            relay_collect([], 0, relay_check(relay_emit([Message | Acc], N + 1, R)));
        _ ->
            relay_collect([Message | Acc], N + 1, R)
    end.

relay_take(Message, Acc, N, R) when element(1, Message) =:= trace_ts ->
    relay_probe(Message, Acc, N, R);
relay_take({relay_finish, From, Tag, Final, Wait}, Acc, N, R) ->
    relay_finish(relay_late(relay_emit(Acc, N, R)), From, Tag, Final, Wait);
relay_take(Message, Acc, N, R) ->
    %% What the frame has to say is said now: the next one may be long in coming.
    relay_collect([], 0, relay_other(Message, relay_check(relay_emit(Acc, N, R)))).

%% The mailbox is empty: an unfinished frame waits a few milliseconds for company. A stream that comes in drops keeps its
%% frame's deadline.
relay_idle(Acc, N, R, Since) ->
    Now = erlang:monotonic_time(millisecond),
    Began = case Since of undefined -> Now; _ -> Since end,
    Wait = case R of
        _ when N > 0 -> max(0, Began + ?FRAME_MS - Now);
        #relay{paused = none, held_bytes = 0} -> infinity;
        _ -> ?FRAME_MS
    end,
    receive
        Message when N > 0, element(1, Message) =:= trace_ts, N + 1 < R#relay.cap ->
            case erlang:external_size(Message) of
                Size when Size > ?FRAME_BYTES div (?PROBE + 1) -> relay_take(Message, Acc, N, R);
                _ -> relay_idle([Message | Acc], N + 1, R, Began)
            end;
        Message ->
            relay_take(Message, Acc, N, R)
    after Wait ->
        relay_collect([], 0, relay_check(relay_emit(Acc, N, R)))
    end.

relay_other({relay_report, Report}, R) ->
    relay_control(Report, R);
relay_other({relay_sample, Report}, #relay{held_bytes = 0} = R) ->
    relay_control(Report, R);
relay_other({relay_sample, {mailboxes, _, Lengths}}, #relay{run = #run{namer = Namer}} = R) ->
    is_pid(Namer) andalso (Namer ! {untold, Lengths}), % a later one tells them
    R;
relay_other({trace_delivered, all, Ref}, #relay{paused = #pause{drained = Ref} = Pause, ended = false} = R) ->
    relay_late(R#relay{paused = Pause#pause{drained = true}});
relay_other({relay_follow, Pids, Tree, Select}, R) ->
    relay_say(follow_on(Pids, Tree, Select, R));
relay_other({relay_again, Key}, R) ->
    quiet_again(Key, R);
relay_other({relay_urgent, Report}, R) ->
    relay_control(Report, R#relay{urgent = R#relay.urgent + 1});
relay_other({counters_sent, From, Ref}, #relay{held_bytes = Held} = R) ->
    From ! {Ref, case Held of 0 -> ok; _ -> held end},
    R;
relay_other({beamtap, credit, Total}, R) when is_integer(Total) ->
    credit_grant(R#relay.run, Total),
    relay_send_held(R);
relay_other({stream_down, _, process, _, Why}, R) ->
    atomics:put(R#relay.run#run.shared, ?BROKEN, 1),
    relay_end(failed, stream_end_text(Why), R);
relay_other(_, R) ->
    R.

credit_grant(#run{native = {Module, Number}}, Total) -> Module:credit(Number, Total);
credit_grant(#run{shared = Shared}, Total) ->
    case atomics:get(Shared, ?CREDIT) of
        Now when Now < Total -> atomics:put(Shared, ?CREDIT, Total);
        _ -> ok
    end.

%% ---- Once a frame: how do we stand? --------------------------------------------------------------------------------

relay_check(#relay{run = #run{shared = Shared}} = R0) ->
    R1 = relay_send_held(relay_take_urgent(relay_say(R0))),
    Queue = relay_queue(),
    Queue > atomics:get(Shared, ?PEAK) andalso atomics:put(Shared, ?PEAK, Queue),
    R2 = relay_load(Queue, R1),
    relay_publish(R2),
    relay_cap(relay_turn(Queue, R2)).

relay_queue() ->
    {message_queue_len, Queue} = process_info(self(), message_queue_len),
    Queue.

%% It goes before all processes of its scheduler (relay_priority), and one that waits there for a long mailbox to be worked off
%% would answer that much later. So it stands back for a millisecond now and then; and while tracing is paused, when no more can
%% come, it waits until everyone had a turn, unless these are so many that it would not come back.
relay_turn(_, #relay{max_queue = Max} = R) when Max > ?QUEUE_STORM -> R;
relay_turn(Queue, #relay{turn = Began, paused = Paused} = R) ->
    Now = erlang:monotonic_time(nanosecond),
    if
        Queue =:= 0 -> R#relay{turn = Now}; % it has a break now
        Now - Began < ?TURN -> R;
        true ->
            case Paused =/= none andalso erlang:statistics(total_run_queue_lengths) < ?CROWD of
                true ->
                    process_flag(priority, normal),
                    erlang:yield(),
                    process_flag(priority, high);
                false ->
                    receive after 1 -> ok end
            end,
            R#relay{turn = erlang:monotonic_time(nanosecond)}
    end.

relay_say(#relay{say = []} = R) -> R;
relay_say(#relay{say = Reports} = R) -> lists:foldr(fun relay_control/2, R#relay{say = []}, Reports).

%% So that a guardian can say how it stood when the relay is killed.
relay_publish(#relay{run = #run{shared = Shared}, seq = Seq, sent = Sent, number = Number}) ->
    atomics:put(Shared, ?PRODUCED, Seq),
    atomics:put(Shared, ?SENT, Sent),
    atomics:put(Shared, ?NUMBER, Number).

%% Reports that must not wait for the mailbox: there is at most one now and then, so the search through it is rare.
relay_take_urgent(#relay{urgent = Taken, run = #run{shared = Shared}} = R) ->
    case atomics:get(Shared, ?URGENT) of
        Taken -> R;
        _ ->
            receive {relay_urgent, _} = Message -> relay_take_urgent(relay_other(Message, R)) after 0 -> R end
    end.

relay_load(Queue, #relay{ended = true} = R) ->
    relay_shed_far(Queue, R);
relay_load(_, #relay{max_events = Max, seq = Seq} = R) when Max > 0, Seq >= Max ->
    relay_end(max_events, text("max_events (~b) was reached", [Max]), R);
relay_load(Queue, #relay{paused = #pause{}} = R) ->
    pause_look(Queue, relay_shed_far(Queue, R));
relay_load(Queue, #relay{max_queue = Max, max_memory = Memory, overload = Overload} = R) ->
    Bytes = relay_bytes(Queue, R),
    if
        Queue > 4 * Max -> relay_shed_far(Queue, relay_overload(strong(Overload), ?REASON_QUEUE, Queue, R));
        Queue > Max -> relay_overload(Overload, ?REASON_QUEUE, Queue, R);
        Memory > 0, Bytes > Memory -> relay_overload(Overload, ?REASON_MEMORY, Queue, R);
        R#relay.held_bytes > R#relay.held_max div 2, Overload =:= pause ->
            pause_begin(?REASON_CREDIT, <<"the collector did not read">>, R);
        R#relay.held_bytes > R#relay.held_max div 2, Overload =:= stop ->
            relay_end(overload, <<"the collector did not read, and overload = stop">>, R);
        true -> relay_rate(R)
    end.

%% What the relay takes of the node's memory: the mailbox and what is held.
relay_bytes(Queue, #relay{weight = Weight, held_bytes = Held}) -> Queue * Weight + Held.

%% Far above max_queue the events go off, even where overload = drop: shedding cannot keep up. It is the flags that go: the VM
%% clears them of every process while nothing else runs, so nothing comes after; patterns would go module by module, and one
%% without flags costs a call 8 ns. What waits beyond max_queue is shed.
strong(drop) -> pause;
strong(Overload) -> Overload.

relay_overload(pause, Reason, _, R) ->
    pause_begin(Reason, overload_text(Reason), R);
relay_overload(drop, Reason, Queue, #relay{max_queue = Max} = R) ->
    relay_shed(max(Queue - Max, Queue div 2), Reason, R);
relay_overload(stop, Reason, _, R) ->
    relay_end(overload, <<(overload_text(Reason))/binary, ", and overload = stop">>, R).

overload_text(?REASON_QUEUE) -> <<"the relay's queue was longer than max_queue">>;
overload_text(?REASON_MEMORY) -> <<"the relay needed more than max_memory">>.

relay_shed_far(Queue, #relay{max_queue = Max} = R) when Queue > 4 * Max ->
    relay_shed(Queue - Max, ?REASON_QUEUE, R);
%% A few hundred messages can be gigabytes, which it would take minutes to look at. They are as large as the latest, or not: the
%% node knows.
relay_shed_far(Queue, #relay{max_memory = Memory, weight = Weight, base = Base} = R)
  when Memory > 0, Queue * Weight > 2 * Memory ->
    case erlang:memory(processes) - Base > 2 * Memory of
        true -> relay_shed(Queue - Memory div Weight, ?REASON_MEMORY, R);
        false -> R
    end;
relay_shed_far(_, R) -> R.

%% Takes up to N trace messages out of the mailbox without looking at them.
relay_shed(N, Reason, R) ->
    Shed = relay_shed_loop(N, 0),
    relay_lose(Shed, Reason, R#relay{seq = R#relay.seq + Shed}).

relay_shed_loop(0, Shed) -> Shed;
relay_shed_loop(N, Shed) ->
    receive
        Message when element(1, Message) =:= trace_ts -> relay_shed_loop(N - 1, Shed + 1)
    after 0 -> Shed
    end.

%% ---- Limits --------------------------------------------------------------------------------------------------------

relay_rate(#relay{max_rate = 0} = R) -> R;
relay_rate(#relay{ended = true} = R) -> R;
relay_rate(#relay{max_rate = Max, window = Began, in_window = Count} = R) ->
    Now = erlang:monotonic_time(nanosecond),
    if
        Now - Began >= ?WINDOW -> R#relay{window = Now, in_window = 0};
        Count >= Max -> pause_begin(?REASON_RATE, text("max_rate (~b a second) was reached", [Max]), R);
        true -> R
    end.

%% No frame goes beyond max_events, nor much beyond max_rate or ?FRAME_BYTES.
relay_cap(#relay{max_events = Events, max_rate = Rate, seq = Seq, in_window = Count, average = Average} = R) ->
    Left = case R of
        #relay{ended = false} when Events > 0 -> max(1, Events - Seq);
        _ -> ?FRAME_EVENTS
    end,
    Room = if Rate > Count -> Rate - Count; true -> ?FRAME_EVENTS end,
    Fit = max(1, ?FRAME_BYTES div max(1, Average)),
    R#relay{cap = min(min(?FRAME_EVENTS, Fit), min(Left, Room))}.

%% The run is over, by a limit: the events go off here, at once; the guardian does the rest. What was on its way is
%% counted and not sent.
relay_end(_, _, #relay{ended = true} = R) -> R;
relay_end(Reason, Text, #relay{run = Run, guardian = Guardian} = R) ->
    flags_pause(Run),
    Guardian ! {relay_end, self(), Reason, Text},
    Why = case Reason of max_events -> ?REASON_LIMIT; failed -> ?REASON_CONNECTION; _ -> ?REASON_QUEUE end,
    relay_drain(Why, R#relay{ended = true}).

%% Until the guardian's finish only counts; it keeps answering what is urgent.
relay_drain(Why, R) ->
    receive
        Message when element(1, Message) =:= trace_ts ->
            relay_drain(Why, relay_lose(1, Why, R#relay{seq = R#relay.seq + 1}));
        {relay_finish, From, Tag, Final, Wait} ->
            relay_finish(relay_late(relay_shed(relay_queue(), Why, R)), From, Tag, Final, Wait);
        Message ->
            relay_drain(Why, relay_other(Message, R))
    after ?FRAME_MS ->
        R1 = relay_send_held(R),
        relay_publish(R1),
        relay_drain(Why, R1)
    end.

%% ---- The end -------------------------------------------------------------------------------------------------------

%% Where many send to it at once (message_queue_data = off_heap), the VM keeps the order of each sender's messages and no other:
%% what says that all has been delivered may stand before some of that. So what else is there by now is taken with it. It is
%% little, and no more is made: the events are off.
relay_late(R) -> relay_late([], 0, relay_queue(), R).

relay_late(Acc, N, Left, #relay{cap = Cap} = R) when Left =:= 0; N >= Cap ->
    case relay_late_emit(Acc, N, R) of
        R1 when Left =:= 0 -> R1;
        R1 -> relay_late([], 0, Left, R1)
    end;
relay_late(Acc, N, Left, R) ->
    receive
        Message when element(1, Message) =:= trace_ts -> relay_late([Message | Acc], N + 1, Left - 1, R);
        {relay_report, Report} -> relay_late([], 0, Left - 1, relay_control(Report, relay_late_emit(Acc, N, R)))
    after 0 -> relay_late(Acc, N, 0, R)
    end.

%% Too late for max_events is lost.
relay_late_emit(_, N, #relay{max_events = Max, seq = Seq} = R) when Max > 0, Seq >= Max ->
    relay_lose(N, ?REASON_LIMIT, R#relay{seq = Seq + N});
relay_late_emit(Acc, N, R) -> relay_cap(relay_emit(Acc, N, R)).

%% Everything that was traced is in the frames or in the counts by now: the guardian has waited for its delivery. What is
%% held may wait for credit until Wait ms have passed; then it is lost.
relay_finish(R, From, Tag, Final, Wait) ->
    R1 = quiet_finish(pause_finish(relay_say(R))),
    relay_finish_held(R1, From, Tag, Final, erlang:monotonic_time(millisecond) + Wait).

relay_finish_held(R0, From, Tag, Final, Deadline) ->
    R = relay_send_held(R0),
    case R#relay.held_bytes =:= 0 orelse stream_is_broken(R#relay.run) orelse
        erlang:monotonic_time(millisecond) >= Deadline of
        false ->
            receive {beamtap, credit, Total} -> credit_grant(R#relay.run, Total) after 2 -> ok end,
            relay_finish_held(R, From, Tag, Final, Deadline);
        true ->
            relay_final(relay_drop_held(R), From, Tag, Final)
    end.

%% What is held has no credit and never will: events are lost. Reports need none: they are sent, in their places, each behind the word
%% of what was lost before it. Frames that are not sent give their numbers back: the collector sees one run of numbers.
relay_drop_held(#relay{held_bytes = 0} = R) -> R;
relay_drop_held(#relay{held = Held, number = Number, lost = Lost, why = Why} = R) ->
    Frames = queue:to_list(Held),
    relay_lose(Lost, Why,
               lists:foldl(fun relay_drop_frame/2,
                           R#relay{held = queue:new(), held_bytes = 0, number = Number - length(Frames), lost = 0, why = 0}, Frames)).

relay_drop_frame({Frame, N}, R) ->
    case frame_field(Frame, 6, 6) of
        1 ->
            Seq = frame_field(Frame, 17, 24),
            R1 = relay_say_lost(Seq, R),
            Again = relay_frame(1, 1, binary_part(Frame, 40, byte_size(Frame) - 40), byte_size(Frame) - 40, Seq, R1),
            relay_send_free(Again, relay_framed(R1));
        _ when N > 0 -> relay_lose(N + frame_field(Frame, 29, 32), ?REASON_CREDIT, R);
        _ -> relay_lose(frame_field(Frame, 29, 32), frame_field(Frame, 13, 16), R)
    end.

%% A number of the header (relay_frame), by its first and last byte.
frame_field(Frame, First, Last) ->
    lists:foldl(fun(Byte, N) -> N * 256 + Byte end, 0, binary_to_list(Frame, First, Last)).

relay_final(#relay{run = Run, seq = Seq, sent = Sent} = R, From, Tag, Final) ->
    Map = Final#{produced => Seq, sent => Sent, lost => Seq - Sent, peak_queue => atomics:get(Run#run.shared, ?PEAK)},
    R1 = relay_control({final, Map}, R),
    relay_publish(R1),
    case R1#relay.held_bytes of
        0 -> atomics:put(Run#run.shared, ?FINAL, 1);
        _ -> ok % refused: the guardian keeps it for a while
    end,
    stream_finish(Run),
    From ! {relay_final, Tag, Map, [Frame || {Frame, _} <- queue:to_list(R1#relay.held)]},
    exit(normal). % not a return: relay_drain may stand in the middle of relay_check
