%% pause.hrl: the events are off for a while, and on again.
%%
%% The relay turns them off when more comes than it, the collector or the user's limits take (relay_load). The gap that this
%% leaves must stand at its place in the stream: behind every event from before it, though they may still wait in the mailbox. So
%% the VM is asked to say, in that mailbox, when all has been delivered that was traced until then (trace_delivered), and nothing
%% goes on again before that came out of it.
%%
%% Whoever pauses at the limit and goes on just below it flaps: hundreds of gaps, and nothing in between that is worth reading. So
%% it goes on when the mailbox is a quarter of what it may be, in messages and in bytes; and where the next pause follows soon, each
%% rests twice as long as the last.

-define(REST_LEAST, 20).    % ms
-define(REST_MOST, 2000).   % ms
-define(CALM, 1000).        % ms of tracing after which a pause is a new one

pause_begin(Reason, Text, #relay{run = #run{session = Session} = Run} = R) ->
    flags_pause(Run),
    %% Not before: an event that was made meanwhile would stand behind the gap and be in it.
    From = erlang:monotonic_time(nanosecond),
    Rest = pause_rest(Reason, From, R),
    Pause = #pause{reason = Reason, text = Text, from = From, until = From + 1000000 * Rest, drained = ask_delivered(Session)},
    R#relay{paused = Pause, rest = Rest}.

%% max_rate has a window of its own.
pause_rest(?REASON_RATE, _, #relay{rest = Rest}) -> Rest;
pause_rest(_, _, #relay{resumed = none}) -> 0;
pause_rest(_, From, #relay{resumed = Resumed, rest = Rest}) ->
    Ran = (From - Resumed) div 1000000,
    if
        Ran >= ?CALM, Ran >= 10 * Rest -> 0;
        true -> min(?REST_MOST, max(?REST_LEAST, 2 * Rest))
    end.

%% A message {trace_delivered, all, Ref} follows.
ask_delivered(Session) ->
    try
        case Session of
            none -> erlang:trace_delivered(all);
            _ -> trace:delivered(Session, all)
        end
    catch error:_ -> true
    end.

%% Once a frame, and each ?FRAME_MS.
pause_look(_, #relay{paused = #pause{drained = Ref}} = R) when Ref =/= true -> R;
pause_look(Queue, #relay{paused = Pause, max_queue = Max, max_memory = Memory, window = Began} = R) ->
    Now = erlang:monotonic_time(nanosecond),
    if
        Queue > Max div 4; R#relay.held_bytes > 0; Now < Pause#pause.until -> R;
        Memory > 0, Queue * R#relay.weight > Memory div 4 -> R;
        Pause#pause.reason =:= ?REASON_RATE, Now - Began < ?WINDOW -> R;
        true -> pause_end(R)
    end.

%% Said when it is true: whoever reads of the end of the gap may go on. What is traced meanwhile is taken after this.
pause_end(R) ->
    To = erlang:monotonic_time(nanosecond), % not after: what is traced from here on is not in the gap
    quiet_relay_on(R),
    R1 = pause_say(To, R),
    R1#relay{window = To, in_window = 0, resumed = To}.

pause_say(To, #relay{paused = #pause{reason = Reason, from = From, text = Text}} = R) ->
    relay_control({gap, From, To, Reason, Text}, R#relay{paused = none}).

%% The run ends in a pause: all that was traced has come out of the mailbox before.
pause_finish(#relay{paused = none} = R) -> R;
pause_finish(R) -> pause_say(erlang:monotonic_time(nanosecond), R).

%% A guardian that takes tracing away says so first (STOPPING), then clears; whichever comes last, the flags are off.
relay_on(#run{shared = Shared} = Run) ->
    case atomics:get(Shared, ?STOPPING) of
        0 ->
            flags_on(Run, again),
            own_watch(Run),
            case atomics:get(Shared, ?STOPPING) of
                0 -> ok;
                _ -> clear_flags(Run#run.session, Run#run.relay, [all])
            end;
        _ -> ok
    end.
