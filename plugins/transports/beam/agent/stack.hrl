%% stack.hrl: `-> stack`: who called, frame by frame.
%%
%% Since OTP 26 the VM walks the stack itself ({current_stacktrace}): it costs some microseconds, whatever the process holds. Before, there
%% is {process_dump} alone: a text of the whole process, in which every term of its stack, its dictionary and each message that waits
%% is printed, 50 us for a small process and 20 us more for each message. So there
%%
%%   nobody is dumped who has a large heap or mailbox when the run begins: these say their caller alone
%%   a dump above max_term is the last one of its function: it is traced without its stack from there on
%%   the relay reads the frames out of a dump before anything else is done: nothing else of it leaves the node
%%
%% Both begin with whoever called, as {caller} does.

-define(FRAMES_SHOWN, 8).       % of a stack, unless the node's backtrace_depth is set
-define(STACK_WORDS, 16384).    % of a heap: who has more is not dumped
-define(STACK_QUEUE, 50).       % messages that wait
-define(STACK_HEAVY, 500).      % processes that are left out one by one: with more nobody is dumped
-define(STACK_LOOK, 1000).      % ms

%% {none | current | {dump, Left}, Notes}: how the run's entries get the stack. Left: pid => true, who is not dumped.
stack_how(#{functions := Functions}, Native) ->
    case lists:any(fun({_, _, _, _, Flags, _}) -> lists:member(stack, Flags) end, Functions) of
        false -> {none, []};
        true -> stack_how_here(have_stacktraces(), Native)
    end.

stack_how_here(true, _) -> {current, []};
stack_how_here(false, none) ->
    case stack_heavy() of
        Left when is_map(Left), map_size(Left) =< ?STACK_HEAVY -> {{dump, Left}, stack_left(map_size(Left))};
        Left ->
            Why = if is_map(Left) -> <<"too many processes are large">>; true -> <<"a process did not answer how large it is">> end,
            {none, [{log, warning, text("no stack is told: before OTP 26 it takes a dump of the process, and ~ts", [Why])}]}
    end;
stack_how_here(false, _) ->
    {none, [{log, warning, <<"no stack is told: before OTP 26 it takes a dump of the process, which the native tracer does not read "
                             "(collect = process does)">>}]}.

have_stacktraces() -> list_to_integer(erlang:system_info(otp_release)) >= 26.

stack_left(0) -> [];
stack_left(N) ->
    [{log, info, text("~b process~ts with a large heap or mailbox tell~ts no stack: before OTP 26 it takes a dump of all that they hold",
                      [N, plural(N), case N of 1 -> "s"; _ -> "" end])}].

%% By another process: one that is asked may be long in answering.
stack_heavy() ->
    {Pid, Down} = spawn_opt(fun() -> own_begin(), exit({heavy, maps:from_list([{P, true} || P <- processes(), stack_is_heavy(P)])}) end,
                            [monitor, ?OWN_HEAP]),
    receive {'DOWN', Down, process, Pid, {heavy, Left}} -> Left
    after ?STACK_LOOK ->
        erlang:demonitor(Down, [flush]),
        exit(Pid, kill),
        unknown
    end.

stack_is_heavy(P) ->
    case process_info(P, [total_heap_size, message_queue_len]) of
        [{_, Words}, {_, Queue}] -> Words > ?STACK_WORDS orelse Queue > ?STACK_QUEUE;
        undefined -> false
    end.

%% ---- In match specs ------------------------------------------------------------------------------------------------

%% none, or the action that gives it.
stack_action(Wanted, How) ->
    case lists:member(stack, Wanted) of
        true when How =:= current -> {current_stacktrace};
        true when How =/= none -> {process_dump};
        _ -> none
    end.

%% What a clause says beside the event, with the stack around it.
stack_said(none, Said) -> Said;
stack_said(Action, none) -> {{{const, '$beamtap_stack'}, Action, {const, none}}};
stack_said(Action, Said) -> {{{const, '$beamtap_stack'}, Action, Said}}.

%% The same clause without a stack, in front, for those that are not dumped.
stack_clauses({Head, Conditions, Body}, {dump, Left}) when map_size(Left) > 0 ->
    case stack_off_body(Body) of
        Body -> [{Head, Conditions, Body}];
        Less -> [{Head, Conditions ++ [{is_map_key, {self}, {const, Left}}], Less}, {Head, Conditions, Body}]
    end;
stack_clauses(Clause, _) -> [Clause].

stack_off_body(Body) -> [stack_off_action(Action) || Action <- Body].

stack_off_action({message, {{{const, '$beamtap_stack'}, {process_dump}, Said}}}) -> {message, {{{const, '$beamtap_stack'}, [], Said}}};
stack_off_action(Action) -> Action.

%% A spec without dumps, or `same`.
without_dumps(Spec) ->
    case [{Head, Conditions, stack_off_body(Body)} || {Head, Conditions, Body} <- Spec] of
        Spec -> same;
        Less -> Less
    end.

%% ---- The relay's part ----------------------------------------------------------------------------------------------

%% Does any entry ask for dumps? none, or the functions whose dumps are over by now.
stack_new(Entries) ->
    case [dump || #entry{clauses = Clauses} <- Entries, {_, _, Body} <- Clauses, Action <- Body, stack_off_action(Action) =/= Action] of
        [] -> none;
        _ -> #{}
    end.

%% Words that dumps among a frame's latest messages take outside of the heap.
stack_words(_, #relay{dumps = none}) -> 0;
stack_words(Messages, _) ->
    lists:sum([byte_size(element(2, element(?SAID, Message))) || Message <- Messages, stack_is_dump(Message)]) div 8.

stack_is_dump(Message) when element(3, Message) =:= call, element(1, element(?SAID, Message)) =:= '$beamtap_stack' ->
    is_binary(element(2, element(?SAID, Message)));
stack_is_dump(_) -> false.

stack_pick(Messages, #relay{dumps = none} = R) -> {Messages, R};
stack_pick(Messages, R0) ->
    {Read, R} = lists:foldl(fun stack_one/2, {[], R0}, Messages),
    {lists:reverse(Read), R}.

stack_one(Message, {Acc, R0}) ->
    case stack_is_dump(Message) of
        true ->
            {Tag, Dump, Said} = element(?SAID, Message),
            {Stack, R} = stack_read(element(4, Message), Dump, R0),
            {[setelement(?SAID, Message, {Tag, Stack, Said}) | Acc], R};
        false -> {[Message | Acc], R0}
    end.

stack_read(_, Dump, #relay{max_term = Max} = R) when byte_size(Dump) =< Max -> {stack_frames(Dump), R};
stack_read({M, F, Args}, Dump, #relay{dumps = Over} = R) ->
    MFA = {M, F, if is_list(Args) -> length(Args); true -> Args end},
    Size = byte_size(Dump),
    {{'$beamtap_cut', Size},
     case Over of
         #{MFA := _} -> R; % those that were on their way
         _ ->
             R#relay.guardian ! {relay_stacks_off, MFA, text("a dump was above max_term (~ts)", [size_text(Size)])},
             R#relay{dumps = Over#{MFA => true}}
     end}.

%% The frames of a dump, {M, F, A}, whoever called first. A line of it is a line: what terms hold is escaped. Several that return to
%% one place are one, as where the VM walks the stack itself.
stack_frames(Dump) ->
    stack_frames(binary:matches(Dump, <<"Return addr 0x">>), none, Dump, ?FRAMES_SHOWN).

stack_frames([{At, Length} | Rest], Before, Dump, Left) when Left > 0 ->
    From = At + Length,
    Line = case binary:match(Dump, <<"\n">>, [{scope, {From, byte_size(Dump) - From}}]) of
        {End, _} -> binary_part(Dump, From, End - From);
        nomatch -> binary_part(Dump, From, byte_size(Dump) - From)
    end,
    case Line =/= Before andalso stack_frame(unicode:characters_to_list(Line, utf8)) of
        false -> stack_frames(Rest, Before, Dump, Left);
        none -> stack_frames(Rest, Before, Dump, Left);
        Frame -> [Frame | stack_frames(Rest, Line, Dump, Left - 1)]
    end;
stack_frames(_, _, _, _) -> [].

%% "00007f.. (mod:'fun'/2 + 84)". What is no function (<terminate process normally>, the trace of a return) is none.
stack_frame([$\s, $( | Text]) ->
    try
        {Module, [$: | Rest]} = stack_atom(Text),
        {Function, [$/ | Number]} = stack_atom(Rest),
        {list_to_existing_atom(Module), list_to_existing_atom(Function), stack_arity(Number, 0)}
    catch error:_ -> none
    end;
stack_frame([_ | Text]) -> stack_frame(Text);
stack_frame(_) -> none.

stack_arity([C | Text], N) when C >= $0, C =< $9 -> stack_arity(Text, 10 * N + C - $0);
stack_arity(_, N) -> N.

stack_atom([$' | Text]) -> stack_quoted(Text, []);
stack_atom(Text) -> stack_plain(Text, []).

stack_plain([C | Text], Acc) when C =/= $:, C =/= $/, C =/= $\s, C =/= $< -> stack_plain(Text, [C | Acc]);
stack_plain(Text, [_ | _] = Acc) -> {lists:reverse(Acc), Text}.

stack_quoted([$' | Text], Acc) -> {lists:reverse(Acc), Text};
stack_quoted([$\\, A, B, C | Text], Acc) when A >= $0, A =< $7 -> stack_quoted(Text, [(A - $0) * 64 + (B - $0) * 8 + C - $0 | Acc]);
stack_quoted([$\\, C | Text], Acc) -> stack_quoted(Text, [stack_escape(C) | Acc]);
stack_quoted([C | Text], Acc) -> stack_quoted(Text, [C | Acc]).

stack_escape($n) -> $\n;
stack_escape($t) -> $\t;
stack_escape($r) -> $\r;
stack_escape($b) -> $\b;
stack_escape($f) -> $\f;
stack_escape($v) -> $\v;
stack_escape(C) -> C.
