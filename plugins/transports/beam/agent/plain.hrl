%% plain.hrl: patterns without a match spec, for functions of which every call is reported and nothing beside it.
%%
%% A match spec, whatever it says, costs the VM 0.45 of the 1.6 us that such a call takes (OTP 25: it copies the tracer before it
%% runs one, and runs it). But a pattern without one has no place for beamtap's mark (spec.hrl). In a trace session nothing
%% needs it. In the interface that all tools share a pattern is plain only for the native tracer, which is there to be fast, and where
%% nobody else traced when the run began; it is taken away by the list of it, as long as it still has no spec, and the registry has
%% that list too. Whoever came meanwhile and set the same without a spec loses it: what both set cannot be told apart, and to
%% leave it would show them for ever what they did not ask for. That is said.

%% The spec of a function of this arity, as the VM gets it: true where none is needed. A clause that takes all is the only one
%% that is ever looked at.
plain([{Head, [], [{const, {beamtap, _}}]} | _] = Spec, Arity, #run{plain = true}) ->
    case plain_takes_all(Head, Arity) of
        true -> true;
        false -> Spec
    end;
plain(Spec, _, _) -> Spec.

%% Variables of their own, one for each argument.
plain_takes_all('_', _) -> true;
plain_takes_all(Head, Arity) when length(Head) =:= Arity ->
    Named = [Variable || Variable <- Head, Variable =/= '_'],
    lists:all(fun plain_is_variable/1, Named) andalso length(lists:usort(Named)) =:= length(Named);
plain_takes_all(_, _) -> false.

plain_is_variable(Atom) when is_atom(Atom) ->
    case atom_to_list(Atom) of
        "$0" -> true;
        [$$, Digit | Digits] when Digit =/= $0 -> lists:all(fun(C) -> C >= $0 andalso C =< $9 end, [Digit | Digits]);
        _ -> false
    end;
plain_is_variable(_) -> false.

is_plain_target(#target{spec = Spec}) -> Spec =:= true.

%% A function of this run's, before OTP 27.
is_plain_ours({M, F, A} = MFA, Targets) ->
    lists:any(fun(#target{module = Module, functions = Functions} = T) ->
                  is_plain_target(T) andalso Module =:= M andalso (Functions =:= all orelse lists:member({F, A}, Functions))
              end, Targets) andalso function_spec(none, MFA) =:= [].

%% When all is taken away.
plain_told(#run{session = none, targets = Targets, tracer = Tracer} = Run) ->
    case [T || lists:any(fun is_plain_target/1, Targets), Found <- [few_tracers()], is_list(Found), T <- Found, T =/= Tracer] of
        [Other | _] ->
            report(Run, {log, warning, text("someone else traces in this node by now (~0tP): what it set without a match spec on a function "
                                            "that this run traced went with this run's", [Other, 10])});
        [] -> ok
    end;
plain_told(_) -> ok.

%% Should both guardians be killed at once, the registry takes away what says of itself not whose it is: counters, and these.
unmarked_known(#run{session = none, id = Id, targets = Targets} = Run) ->
    Unmarked = [T || T <- Targets, is_plain_target(T) orelse Run#run.counters =/= none],
    Unmarked =/= [] andalso (catch ?MODULE ! {unmarked, Id, Unmarked}),
    Run;
unmarked_known(Run) -> Run.

%% Of the runs that live: {M, F, A} => run.
plain_functions() ->
    maps:from_list([{MFA, Run} || Name <- registry_names(), {Run, Targets} <- registry_told(Name, unmarked),
                                  MFA <- targets_functions([T || T <- Targets, is_plain_target(T)])]).
