%% spec.hrl: match specs, from what the user wrote to what the VM is given.
%%
%% Every clause gets the mark {const, {beamtap, Run}} as its first action, so that its owner can be told. What a
%% clause reports beside the event is always one tagged tuple (protocol.h, section 4): a {message, X} of the user's is
%% wrapped into it. Actions that would change the node beyond the run are refused.

%% A function's clauses, as they are given to the VM. Wanted: list of return, exception, caller, stack.
%% Stack: how it is had here (stack.hrl).
function_clauses(_, _, {count, _} = Counters, _) -> [Counters];
function_clauses(none, Wanted, Stack, Run) -> function_clauses([{'_', [], []}], Wanted, Stack, Run);
function_clauses(Spec, Wanted, Stack, Run) ->
    How = {caller_tag(Wanted), stack_action(Wanted, Stack)},
    Trace = case {lists:member(exception, Wanted), lists:member(return, Wanted)} of
        {true, _} -> [{exception_trace}];
        {_, true} -> [{return_trace}];
        _ -> []
    end,
    [Clause || {Head, Conditions, Body} <- Spec,
               Clause <- stack_clauses({Head, Conditions, [mark(Run) | first_message(How)] ++
                                            [function_action(Action, How) || Action <- Body] ++ Trace}, Stack)].

mark(Run) -> {const, {beamtap, Run}}.

%% The caller is wanted, or, where returns are, it tells a tail call from a call; or nobody asks.
caller_tag(Wanted) ->
    case lists:member(caller, Wanted) of
        true -> '$beamtap_caller';
        false ->
            case lists:member(exception, Wanted) orelse lists:member(return, Wanted) of
                true -> '$beamtap_tail';
                false -> none
            end
    end.

first_message({none, none}) -> [];
first_message(How) -> [{message, said(How)}].

said({none, Stack}) -> stack_said(Stack, none);
said({Tag, Stack}) -> stack_said(Stack, {{{const, Tag}, {caller}}}).

said({none, Stack}, X) -> stack_said(Stack, {{{const, '$beamtap_x'}, X}});
said({Tag, Stack}, X) -> stack_said(Stack, {{{const, Tag}, {caller}, X}}).

function_action({message, Bool}, _) when Bool =:= false -> {message, Bool};
function_action({message, {caller}}, {'$beamtap_caller', _} = How) -> hd(first_message(How)); % said already: not again as metadata
function_action({message, true}, {none, none}) -> {message, true};
function_action({message, true}, How) -> hd(first_message(How));
function_action({message, X}, How) -> {message, said(How, X)};
function_action(Action, _) -> Action.

%% Receives always name their sender. A user's head may bind anything, so the node and the sender are taken from the whole
%% match ('$_' is [Node, Sender, Message]); ours binds them, which is faster.
message_spec('receive', [], Run) ->
    [{['$1', '$2', '_'], [], [mark(Run), {message, {{{const, '$beamtap_from'}, '$1', '$2'}}}]}];
message_spec('receive', Specs, Run) ->
    From = [{hd, '$_'}, {hd, {tl, '$_'}}],
    Plain = {message, {list_to_tuple([{const, '$beamtap_from'} | From])}},
    [{Head, Conditions, [mark(Run), Plain] ++ [receive_action(Action, From, Plain) || Action <- Body]}
     || Spec <- Specs, {Head, Conditions, Body} <- Spec];
message_spec(send, Specs, Run) ->
    [{Head, Conditions, [mark(Run) | [function_action(Action, {none, none}) || Action <- Body]]}
     || Spec <- Specs, {Head, Conditions, Body} <- Spec].

receive_action({message, false}, _, _) -> {message, false};
receive_action({message, true}, _, Plain) -> Plain;
receive_action({message, X}, From, _) -> {message, {list_to_tuple([{const, '$beamtap_from'} | From] ++ [X])}};
receive_action(Action, _, _) -> Action.

%% ok, or why the VM would not take it. What is what the spec is for: a text for the user.
check_spec(none, _) -> ok;
check_spec(Spec, What) ->
    case is_spec(Spec) of
        false -> {error, text("~ts: a match spec is a list of {Head, Conditions, Body}", [What])};
        true ->
            case [Action || {_, _, Body} <- Spec, Action <- Body, is_foreign(Action)] of
                [Action | _] ->
                    {error, text("~ts: the action ~0tp would change the node beyond this run", [What, Action])};
                [] ->
                    case erlang:match_spec_test([], Spec, trace) of
                        {error, Errors} -> spec_errors(Errors, What);
                        _ -> ok
                    end
            end
    end.

is_spec([_ | _] = Spec) ->
    try lists:all(fun({_, C, B}) -> is_list(C) andalso is_list(B) andalso length(C) + length(B) >= 0; (_) -> false end,
                  Spec)
    catch error:_ -> false
    end;
is_spec(_) -> false.

%% Before OTP 27 silent and disable_trace act on the process, for whoever traces it. Anywhere in an action, but not in
%% what stands for itself: {const, X}, {{...}}.
is_foreign({const, _}) -> false;
is_foreign({Tuple}) when is_tuple(Tuple) -> is_foreign(tuple_to_list(Tuple));
is_foreign(Action) when is_tuple(Action), tuple_size(Action) > 0 ->
    lists:member(element(1, Action), [trace, enable_trace, disable_trace, silent, set_tcw, set_seq_token])
        orelse is_foreign(tl(tuple_to_list(Action)));
is_foreign([Head | Tail]) -> is_foreign(Head) orelse is_foreign(Tail);
is_foreign(Map) when is_map(Map) -> is_foreign(maps:to_list(Map));
is_foreign(_) -> false.

spec_errors(Errors, What) ->
    case [Text || {error, Text} <- Errors] of
        [] -> ok; % only warnings
        [Text | _] -> {error, text("~ts: ~ts", [What, Text])}
    end.

%% The same spec without the actions that cost stack, or `same`.
without_returns(Spec) ->
    Returns = [{return_trace}, {exception_trace}],
    case [{Head, Conditions, [A || A <- Body, not lists:member(A, Returns)]} || {Head, Conditions, Body} <- Spec] of
        Spec -> same;
        Less -> Less
    end.
