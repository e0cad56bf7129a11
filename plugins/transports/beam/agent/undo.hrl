%% undo.hrl: the end of a run, by either guardian, and the second guardian, who only waits for it.
%%
%% First everything is taken away, then it is explained: nothing that is done here before the last pattern is gone may fail, or need
%% what the node may lack.

%% ---- The end of a run ----------------------------------------------------------------------------------------------

%% Either guardian. Tracing goes off before anything is said; the final report follows what was traced. Text: a binary, or
%% {Format, Arguments}, which becomes one when everything is undone.
end_run(#guardian{run = #run{shared = Shared, session = Session, relay = Relay} = Run} = G, Reason, Text) ->
    atomics:put(Shared, ?STOPPING, 1),
    counters_finish(Run, Reason),
    Restored = take_away(Run),
    heaps_finish(Run),
    plain_told(Run),
    Final = call_final(G, #{reason => final_reason(Reason), text => final_text(Text), restored => Restored}),
    Down = monitor(process, Relay),
    G#guardian.peer ! peer_alive,
    is_process_alive(Relay) andalso wait_delivered(Session),
    Tag = make_ref(),
    Relay ! {relay_finish, self(), Tag, Final, final_patience(Reason, Run)},
    {Map, Frames} = end_wait(Run, Tag, Down, Final),
    session_end(Session), % not before: the relay may be about to turn its flags on, which it then takes back
    end_final(G, Map, Frames),
    G#guardian.peer ! {peer_done, self()},
    ok.

final_text({Format, Arguments}) -> text(Format, Arguments);
final_text(Text) -> Text.

final_reason(connection) -> lease; % what ends the run when nobody renews
final_reason(Reason) -> Reason.

final_patience(Reason, #run{options = #{lease := Lease}}) when Reason =/= connection, Reason =/= lease -> min(Lease, 5000);
final_patience(_, _) -> 0.

%% Grants of credit still come, and let the relay send what it holds.
end_wait(#run{relay = Relay} = Run, Tag, Down, Final) ->
    receive
        {relay_final, Tag, Map, Frames} -> {Map, Frames};
        {beamtap, credit, Total} when is_integer(Total) ->
            credit_grant(Run, Total),
            end_wait(Run, Tag, Down, Final);
        {'DOWN', Down, process, Relay, _} ->
            receive {relay_final, Tag, Map, Frames} -> {Map, Frames} after 0 -> end_without_relay(Run, Final) end
    after 20000 ->
        exit(Relay, kill),
        end_wait(Run, Tag, Down, Final)
    end.

%% The relay is dead: what it had published is what is known. What it held and what was in its mailbox is lost.
end_without_relay(#run{shared = Shared, native = Native}, Final) ->
    {Seq, Sent, Number, Peak} = case Native of
        none -> list_to_tuple([atomics:get(Shared, I) || I <- [?PRODUCED, ?SENT, ?NUMBER, ?PEAK]]);
        {Module, Run} -> native_figures(Module, Run, ?NATIVE_GONE div 20)
    end,
    Map = Final#{produced => Seq, sent => Sent, lost => Seq - Sent, peak_queue => Peak},
    {Map, [final_frame(Map, Number, Seq) || atomics:get(Shared, ?FINAL) =:= 0]}.

final_frame(Map, Number, Seq) ->
    Bin = term_to_binary({final, Map}),
    Length = byte_size(Bin),
    <<"BTF1", 1, 1, 0:16, Number:32, 0:32, Seq:64, 1:32, 0:32, 0:32, (Length + 4):32, Length:32, Bin/binary>>.

%% A final report that the connection did not take is kept for one lease, for a collector that comes back.
end_final(_, _, []) -> ok;
end_final(#guardian{run = #run{options = #{lease := Lease}}} = G, Map, Frames) ->
    end_final(G, Map, Frames, erlang:monotonic_time(millisecond) + Lease).

end_final(_, _, [], _) -> ok;
end_final(#guardian{run = Run, peer = Peer} = G, Map, [Frame | Rest] = Frames, Deadline) ->
    #run{collector = Collector, shared = Shared} = Run,
    Peer ! peer_alive,
    case erlang:send(Collector, Frame, [nosuspend, noconnect]) of
        ok ->
            Rest =:= [] andalso atomics:put(Shared, ?FINAL, 1),
            end_final(G, Map, Rest, Deadline);
        _ ->
            Left = Deadline - erlang:monotonic_time(millisecond),
            Left > 0 andalso begin
                receive
                    {beamtap, final, From} -> From ! {beamtap, final, Map}
                after min(Left, 100) -> ok
                end,
                end_final(G, Map, Frames, Deadline)
            end
    end.

%% ---- The second guardian -------------------------------------------------------------------------------------------

peer_begin(First, Relay, Lease) ->
    own_begin(),
    Down = monitor(process, First),
    peer_loop(First, Down, #run{relay = Relay, tracer = Relay}, max(2 * Lease, 10000) + 20000).

peer_loop(First, Down, Run, Patience) ->
    receive
        {peer_run, New} -> peer_loop(First, Down, New, Patience);
        {peer_look, First, Pid, What} ->
            First ! {peer_saw, What, process_info(Pid, [stack_size, current_stacktrace])},
            peer_loop(First, Down, Run, Patience);
        {peer_done, First} -> ok;
        {peer_undo, First} -> peer_undo(Run);
        {'DOWN', Down, process, First, Why} -> peer_take_over(Run, {"a guardian was ended: ~0tP", [Why, 10]});
        _ -> peer_loop(First, Down, Run, Patience)
    after Patience ->
        %% The first guardian hangs: it would have said that it is alive.
        exit(First, kill),
        peer_loop(First, Down, Run, Patience)
    end.

peer_take_over(#run{on = false} = Run, _) ->
    peer_undo(Run),
    exit(Run#run.relay, kill);
peer_take_over(Run, Text) ->
    %% Its second sender is itself: nobody is left to be told.
    end_run(#guardian{run = Run, peer = self()}, failed, Text).

%% Of a run that did not begin.
peer_undo(#run{id = undefined}) -> ok; % nothing was set yet
peer_undo(Run) ->
    take_away(Run),
    session_end(Run#run.session).
