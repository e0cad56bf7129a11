%% first_calls.hrl: the relay's part when a module is loaded: calls that the spec of on_load has brought.
%%
%% They are tagged {'$beamtap_new', Caller}, and what the rules of the run say of the function has not been looked at yet. So the
%% relay does it, as the VM would with the right spec: the call goes out as that spec would have reported it, or not at all. A
%% guardian is told of the module, puts the right specs on it, and no more such calls come.

-define(FIRST_MOST, 5000).      % functions that are remembered, and returns
-define(FIRST_TOLD, 100000000). % ns until a guardian is told of a module again: it was loaded once more

-record(first, {
    entries, otp,
    rules = #{},        % {M, F, A} => clauses, or none
    told = #{},         % module => ns: a guardian knows
    returns = #{}       % {Pid, MFA} => returns to come of calls that were not told, or without them
}).

first_new([], _) -> none;
first_new(Entries, Otp) -> #first{entries = Entries, otp = Otp}.

%% {Messages, N, R}
first_pick(Messages, N, #relay{first = none} = R) -> {Messages, N, R};
first_pick(Messages, N, #relay{first = #first{returns = Returns}} = R) ->
    case map_size(Returns) > 0 orelse first_has_new(Messages) of
        false -> {Messages, N, R};
        true ->
            {Kept, R1} = lists:foldl(fun first_one/2, {[], R}, Messages),
            {lists:reverse(Kept), length(Kept), R1}
    end.

first_has_new([Message | _]) when element(1, element(?SAID, Message)) =:= '$beamtap_new', element(3, Message) =:= call -> true;
first_has_new([_ | Rest]) -> first_has_new(Rest);
first_has_new([]) -> false.

first_one(Message, {Kept, R0}) when element(1, element(?SAID, Message)) =:= '$beamtap_new', element(3, Message) =:= call ->
    Pid = element(2, Message),
    {M, F, Args} = element(4, Message),
    {_, Caller} = element(?SAID, Message),
    Arity = if is_list(Args) -> length(Args); true -> Args end,
    {Clauses, R} = first_rules({M, F, Arity}, first_tell(M, R0)),
    {Told, Wanted} = first_judge(Args, Pid, Caller, Clauses),
    R1 = case Wanted of
        true -> R;
        false -> first_return({Pid, {M, F, Arity}}, R)
    end,
    case Told of
        false -> {Kept, R1};
        true -> {[erlang:delete_element(?SAID, Message) | Kept], R1};
        unknown -> {Kept, relay_lose(1, ?REASON_TERM, R1#relay{seq = R1#relay.seq + 1})};
        Said -> {[setelement(?SAID, Message, Said) | Kept], R1}
    end;
first_one(Message, {Kept, #relay{first = #first{returns = Returns} = First} = R})
  when element(3, Message) =:= return_from; element(3, Message) =:= exception_from ->
    Key = {element(2, Message), element(4, Message)},
    case Returns of
        #{Key := 1} -> {Kept, R#relay{first = First#first{returns = maps:remove(Key, Returns)}}};
        #{Key := N} -> {Kept, R#relay{first = First#first{returns = Returns#{Key := N - 1}}}};
        _ -> {[Message | Kept], R}
    end;
first_one(Message, {Kept, R}) -> {[Message | Kept], R}.

first_tell(Module, #relay{guardian = Guardian, first = #first{told = Told} = First} = R) ->
    Now = erlang:monotonic_time(nanosecond),
    case Told of
        #{Module := At} when Now - At < ?FIRST_TOLD -> R;
        _ ->
            Guardian ! {relay_new, Module},
            %% What the rules say of its functions may have changed with it.
            Rules = maps:filter(fun({M, _, _}, _) -> M =/= Module end, First#first.rules),
            R#relay{first = First#first{told = Told#{Module => Now}, rules = Rules}}
    end.

first_rules(MFA, #relay{first = #first{rules = Rules}} = R) when is_map_key(MFA, Rules) -> {map_get(MFA, Rules), R};
first_rules({M, F, A} = MFA, #relay{first = #first{entries = Entries, otp = Otp, rules = Rules} = First} = R) ->
    Matching = case plan_matching(M, first_file(M), Entries, Otp) of otp -> []; Some -> Some end,
    Clauses = case [E#entry.clauses || E <- Matching, fits(E#entry.function, F), fits(E#entry.arity, A)] of
        [] -> none;
        All -> lists:append(All)
    end,
    Few = if map_size(Rules) < ?FIRST_MOST -> Rules; true -> #{} end,
    {Clauses, R#relay{first = First#first{rules = Few#{MFA => Clauses}}}}.

%% Before OTP 26 the code server is asked, which may be busy: the module's name alone must do.
first_file(Module) ->
    case erlang:system_info(otp_release) < "26" orelse code:is_loaded(Module) of
        {file, File} -> File;
        _ -> unknown
    end.

%% {Told, WithReturn}; Told: true, false, {Extra ...} beside the event, or unknown: the arguments would be needed.
first_judge(_, _, _, none) -> {false, false};
first_judge(Args, Pid, Caller, Clauses) when is_list(Args) ->
    try erlang:match_spec_test(Args, first_bound(Clauses, Pid, Caller), trace) of
        {ok, Result, Flags, _} -> {Result, Flags =/= []}
    catch error:_ -> {false, false}
    end;
first_judge(Arity, Pid, Caller, [{'_', [], _} | _] = Clauses) ->
    first_judge(lists:duplicate(Arity, []), Pid, Caller, Clauses);
first_judge(_, _, _, _) -> {unknown, false}.

%% Who calls is not the relay, and it has no caller.
first_bound(Clauses, Pid, Caller) ->
    [{Head, [first_bind(C, Pid, Caller) || C <- Conditions], [first_bind(A, Pid, Caller) || A <- Body]}
     || {Head, Conditions, Body} <- Clauses].

first_bind({const, _} = Const, _, _) -> Const;
first_bind({caller}, _, Caller) -> {const, Caller};
first_bind({self}, Pid, _) -> {const, Pid};
first_bind({What}, _, _) when What =:= caller_line; What =:= current_stacktrace; What =:= process_dump -> {const, undefined};
first_bind(Tuple, Pid, Caller) when is_tuple(Tuple) ->
    list_to_tuple([first_bind(Part, Pid, Caller) || Part <- tuple_to_list(Tuple)]);
first_bind([Head | Tail], Pid, Caller) -> [first_bind(Head, Pid, Caller) | first_bind(Tail, Pid, Caller)];
first_bind(Other, _, _) -> Other.

%% Its return will be reported, where the spec of on_load asks for returns at all.
first_return(Key, #relay{run = #run{on_load = [{_, _, [_, _, _ | _]}]}, first = #first{returns = Returns} = First} = R) ->
    Few = if map_size(Returns) < ?FIRST_MOST -> Returns; true -> #{} end,
    R#relay{first = First#first{returns = Few#{Key => maps:get(Key, Few, 0) + 1}}};
first_return(_, R) -> R.
