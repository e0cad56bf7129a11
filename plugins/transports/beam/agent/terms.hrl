%% terms.hrl: terms above max_term: they are cut here, and no second one is made if that can be helped.
%%
%% The tracee has paid for the copy before the relay sees it. So the first one has consequences, but only where it came from:
%%
%%   a call's arguments      that process calls with the arity alone for a while (heaps.hrl)
%%   a message               that process's sends, or what it receives, are left out for a while: the VM has no flag for less
%%   a value or exception    that function is traced without its returns from here on (guardian_returns_off)
%%
%% What is left out for a while is an open gap with this reason in the stream, with the process; at its end another row says how
%% long it was; and it is tried again, later each time. Where more than a few processes are concerned, it is the whole node.

-define(QUIET_MOST, 64).    % processes whose messages are left out
-define(LIGHT_MOST, 64).    % processes of which it is remembered that they were told of
-define(TOLD_MOST, 20).     % lines of the log

relay_cut(Message, #relay{max_term = Max} = R) ->
    case cut_payload(Message, Max) of
        Message -> {term_to_binary(Message), R}; % many small parts: the payload itself is not too large
        Cut -> {term_to_binary(Cut), term_seen(Message, R)}
    end.

cut_payload(Message, Max) ->
    Last = tuple_size(Message),
    lists:foldl(fun(I, M) when I < Last -> setelement(I, M, cut_element(I, element(3, M), element(I, M), Max));
                   (_, M) -> M
                end, Message, [4, 5, 6]).

cut_element(4, Tag, {M, F, Args}, Max) when Tag =:= call -> {M, F, cut_arguments(Args, Max)};
cut_element(5, Tag, {M, F, Args}, Max) when Tag =:= spawn; Tag =:= spawned -> {M, F, cut_arguments(Args, Max)};
cut_element(_, _, {'$beamtap_from', Node, Sender, X}, Max) -> {'$beamtap_from', Node, Sender, cut_metadata(X, Max)};
cut_element(_, _, {'$beamtap_caller', Caller, X}, Max) -> {'$beamtap_caller', Caller, cut_metadata(X, Max)};
cut_element(I, Tag, {'$beamtap_stack', Stack, Said}, Max) ->
    {'$beamtap_stack', cut_term(Stack, Max), case Said of none -> none; _ -> cut_element(I, Tag, Said, Max) end};
cut_element(_, _, {'$beamtap_x', X}, Max) -> {'$beamtap_x', cut_metadata(X, Max)};
cut_element(_, _, Term, Max) -> cut_term(Term, Max).

%% Which function it was is told all the same: its return is not another one's.
cut_arguments(Args, Max) when is_list(Args) ->
    case cut_term(Args, Max) of
        Args -> Args;
        {'$beamtap_cut', Size} -> {'$beamtap_cut', Size, length(Args)}
    end;
cut_arguments(Args, Max) -> cut_term(Args, Max).

%% What the user's own {message, X} said is a term like others for whoever reads it: so it is one that says what is not there.
cut_metadata(X, Max) ->
    case cut_term(X, Max) of
        {'$beamtap_cut', Size} when X =/= {'$beamtap_cut', Size} -> text("left out: ~ts, above max_term", [size_text(Size)]);
        _ -> X
    end.

cut_term(Term, Max) ->
    case erlang:external_size(Term) of
        Size when Size > Max -> {'$beamtap_cut', Size};
        _ -> Term
    end.

%% ---- What follows --------------------------------------------------------------------------------------------------

term_seen(Message, R) ->
    Pid = element(2, Message),
    case element(3, Message) of
        call -> call_seen(Pid, Message, R);
        send -> message_seen(Pid, send, element(5, Message), Message, R);
        send_to_non_existing_process -> message_seen(Pid, send, none, Message, R);
        'receive' -> message_seen(Pid, 'receive', receive_sender(Message), Message, R);
        Tag when Tag =:= return_from; Tag =:= exception_from -> value_seen(element(4, Message), R);
        _ -> R
    end.

receive_sender(Message) when element(1, element(?SAID, Message)) =:= '$beamtap_from' -> element(3, element(?SAID, Message));
receive_sender(_) -> none.

value_seen(MFA, R) ->
    case R#relay.returns_off of
        #{MFA := _} -> R;
        ReturnsOff ->
            R#relay.guardian ! {relay_returns_off, MFA, <<"it returned a term above max_term">>},
            R#relay{returns_off = ReturnsOff#{MFA => true}}
    end.

%% Those of its calls that are in the mailbox by now say nothing new.
call_seen(Pid, Message, #relay{run = Run, light = Light, ended = false} = R) ->
    Now = erlang:monotonic_time(millisecond),
    case Light of
        #{Pid := Until} when Now < Until -> R;
        _ ->
            arity_set(Pid, true, Run),
            Size = erlang:external_size(element(3, element(4, Message))),
            Run#run.heaps =/= none andalso (Run#run.heaps ! {heaps_term, Pid, Size}),
            Less = if map_size(Light) < ?LIGHT_MOST -> Light; true -> #{} end,
            R1 = R#relay{light = Less#{Pid => Now + 1000}},
            case Light of
                #{Pid := _} -> R1; % told
                _ ->
                    {M, F, _} = element(4, Message),
                    term_log(text("~p called ~0tp:~0tp with a term above max_term (~ts): its calls come with their arity alone "
                                  "for a while", [Pid, M, F, size_text(Size)]), R1)
            end
    end;
call_seen(_, _, R) -> R.

term_log(Text, #relay{logged = Logged, say = Say} = R) when Logged < ?TOLD_MOST ->
    R#relay{logged = Logged + 1, say = [{log, warning, Text} | Say]};
term_log(_, R) -> R.

%% ---- Messages ------------------------------------------------------------------------------------------------------

message_seen(_, _, _, _, #relay{ended = true} = R) -> R;
message_seen(Pid, Flag, Other, Message, #relay{run = Run, quiet = Quiet} = R) ->
    case is_map_key({Pid, Flag}, Quiet) orelse not lists:member(Flag, Run#run.flags) orelse carries_code(Other) of
        true -> R;
        false when map_size(Quiet) >= ?QUIET_MOST -> quiet_all(Flag, R);
        false -> quiet_one(Pid, Flag, erlang:external_size(element(4, Message)), R)
    end.

%% A module that is loaded goes through these as a message, in whatever process needs it: that is no payload of the application's.
carries_code(Name) when is_atom(Name) -> lists:member(Name, [code_server, erl_prim_loader, rex]);
carries_code({Name, Node}) when Node =:= node() -> carries_code(Name);
carries_code(Pid) when is_pid(Pid) -> lists:any(fun(Name) -> whereis(Name) =:= Pid end, [code_server, erl_prim_loader, rex]);
carries_code(_) -> false.

quiet_one(Pid, Flag, Size, R) ->
    #run{session = Session, relay = Relay} = R#relay.run,
    try set_process(Session, Relay, Pid, false, [Flag]) catch error:_ -> ok end,
    Text = text("~s: one was above max_term (~ts)", [quiet_text(Flag), size_text(Size)]),
    quiet_begin({Pid, Flag}, Text,
                term_log(text("~p: a ~s carried a term above max_term (~ts): what it ~s is not told for a while",
                              [Pid, Flag, size_text(Size), quiet_verb(Flag)]), R)).

quiet_all(Flag, #relay{run = #run{session = Session, relay = Relay, flags = Flags} = Run} = R) ->
    clear_flags(Session, Relay, [Flag]),
    Text = text("~s, of every process: too many were above max_term", [quiet_text(Flag)]),
    quiet_begin({all, Flag}, Text,
                term_log(text("more than ~b processes had messages above max_term: what is ~s is not told for a while",
                              [?QUIET_MOST, case Flag of send -> "sent"; _ -> "received" end]),
                         R#relay{run = Run#run{flags = Flags -- [Flag]}})).

quiet_text(send) -> "sends left out";
quiet_text('receive') -> "receives left out".
quiet_verb(send) -> "sends";
quiet_verb('receive') -> "receives".

%% Both rows go through the mailbox: they stand behind what was traced before.
quiet_begin(Key, Text, #relay{run = Run, quiet = Quiet, tries = Tries} = R) ->
    Now = erlang:monotonic_time(nanosecond),
    Times = maps:get(Key, Tries, 0),
    erlang:send_after(again_after(Times), self(), {relay_again, Key}),
    Fewer = if map_size(Tries) < 1000 -> Tries; true -> #{} end,
    report(Run, quiet_row(Key, Now, Now, Text)),
    R#relay{quiet = Quiet#{Key => {Now, Text}}, tries = Fewer#{Key => Times + 1}}.

quiet_row({all, _}, From, To, Text) -> {gap, From, To, ?REASON_TERM, Text};
quiet_row({Pid, _}, From, To, Text) -> {gap, From, To, ?REASON_TERM, Text, Pid}.

%% A while is over.
quiet_again(Key, #relay{quiet = Quiet} = R) when is_map_key(Key, Quiet) ->
    {Row, R1} = quiet_end(Key, R),
    report(R#relay.run, Row),
    quiet_on(Key, R1);
quiet_again(_, R) -> R.

quiet_end(Key, #relay{quiet = Quiet} = R) ->
    Now = erlang:monotonic_time(nanosecond),
    {Since, Text} = map_get(Key, Quiet),
    {quiet_row(Key, Since, Now, Text),
     R#relay{quiet = maps:remove(Key, Quiet), quiet_longest = max(R#relay.quiet_longest, Now - Since)}}.

quiet_on({all, Flag}, #relay{run = #run{flags = Flags} = Run} = R) ->
    R1 = R#relay{run = Run#run{flags = Flags ++ [Flag]}},
    R1#relay.paused =:= none andalso R1#relay.ended =:= false andalso quiet_relay_on(R1),
    R1;
quiet_on({Pid, Flag}, #relay{paused = none, ended = false, run = Run} = R) ->
    lists:member(Flag, Run#run.flags) andalso process_on(Pid, Flag, Run),
    R;
quiet_on(_, R) -> R.

%% Also after a pause: on again are all but these.
quiet_relay_on(#relay{run = #run{session = Session, relay = Relay} = Run, quiet = Quiet}) ->
    relay_on(Run),
    [try set_process(Session, Relay, Pid, false, [Flag]) catch error:_ -> ok end || {Pid, Flag} <- maps:keys(Quiet), is_pid(Pid)],
    ok.

process_on(Pid, Flag, #run{session = Session, relay = Relay, shared = Shared}) ->
    atomics:get(Shared, ?STOPPING) =:= 0 andalso begin
        try set_process(Session, Relay, Pid, true, [Flag]) catch error:_ -> ok end,
        atomics:get(Shared, ?STOPPING) =:= 0 orelse
            (try set_process(Session, Relay, Pid, false, [all]) catch error:_ -> ok end)
    end.

%% The run is over: what is open is told, and how long the longest was.
quiet_finish(#relay{tries = Tries} = R) when map_size(Tries) =:= 0 -> R;
quiet_finish(#relay{quiet = Quiet, tries = Tries} = R) ->
    R1 = lists:foldl(fun(Key, Acc) -> {Row, Acc1} = quiet_end(Key, Acc), relay_control(Row, Acc1) end, R, maps:keys(Quiet)),
    N = map_size(Tries),
    relay_control({log, info, text("messages of ~b process~ts were left out for up to ~.1f s, since one was above max_term",
                                   [N, plural(N), R1#relay.quiet_longest / 1.0e9])}, R1).
