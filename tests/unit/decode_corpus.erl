%% decode_corpus.erl: trace messages that a node makes, each beside a line that says what it is (test_decode.c).
-module(decode_corpus).
-export([main/1, target/2, server/0]).
target(A, B) -> case A of boom -> error({boom, B}); _ -> {A, B} end.
server() -> receive {From, M} -> From ! {reply, M}, server(); stop -> ok after 20 -> server() end.
main([File]) ->
  Self = self(),
  Tracer = spawn(fun() -> collect([], Self) end),
  erlang:trace_pattern({?MODULE, target, '_'}, [{'_', [], [{exception_trace}, {message, {{'$beamtap_caller', {caller}}}}]}], [local]),
  erlang:trace_pattern({lists, sum, 1}, [{['$1'], [], [{return_trace}, {message, {{'$beamtap_caller', {caller}, '$1'}}}]}], [local]),
  erlang:trace_pattern({lists, last, 1}, [{['$1'], [], [{message, {{'$beamtap_x', '$1'}}}]}], [local]),
  erlang:trace_pattern('receive', [{['$1','$2','_'], [], [{message, {{'$beamtap_from', '$1', '$2'}}}]}], []),
  Work = fun() -> receive go -> work() end end,
  P = spawn(Work),
  erlang:trace(P, true, [call, send, 'receive', procs, running, exiting, garbage_collection, set_on_spawn, monotonic_timestamp, {tracer, Tracer}]),
  Ref = monitor(process, P), P ! go, receive {'DOWN', Ref, _, _, _} -> ok end,
  erlang:trace_pattern({lists, seq, '_'}, true, [local]),
  Q = spawn(fun() -> receive go -> lists:seq(1, 3) end end),
  erlang:trace(Q, true, [call, arity, strict_monotonic_timestamp, return_to, {tracer, Tracer}]),
  Ref2 = monitor(process, Q), Q ! go, receive {'DOWN', Ref2, _, _, _} -> ok end,
  R = erlang:trace_delivered(all), receive {trace_delivered, all, R} -> ok end,
  Tracer ! finish, L = receive {corpus, C} -> C end,
  More = [{trace_ts, self(), call, {m, f, {'$beamtap_cut', 70000}}, -5},
          {trace_ts, self(), call, {m, f, {'$beamtap_cut', 70003, 2}}, 5},
          {trace_ts, self(), spawn, self(), {m, f, {'$beamtap_cut', 70004, 255}}, 5},
          {trace_ts, self(), send, {'$beamtap_cut', 70001}, undefined, 5},
          {trace_ts, self(), 'receive', {'$beamtap_cut', 70002}, {'$beamtap_from', node(), self()}, 1 bsl 40},
          {trace_ts, self(), return_from, {m, f, 3}, {'$beamtap_cut', 1}, -(1 bsl 50)},
          {trace_ts, self(), call, {m, f, lists:seq(1, 200)}, {'$beamtap_caller', undefined, {x, 1}}, 0},
          {trace_ts, self(), call, {m, f, []}, {'$beamtap_x', []}, 7},
          {trace_ts, self(), call, {m, f, [1]}, {'$beamtap_stack', [{a, b, 1, [{file, "a.erl"}, {line, 3}]}, {c, d, 0}], none}, 7},
          {trace_ts, self(), call, {m, f, 2}, {'$beamtap_stack', {'$beamtap_cut', 80000}, {'$beamtap_caller', {x, y, 0}, z}}, 7},
          {trace_ts, self(), call, {m, f, []}, {'$beamtap_stack', [], {'$beamtap_x', {'$beamtap_stack', [], none}}}, 7},
          {trace_ts, self(), call, {m, f, 255}, {mine}, 7},
          {trace_ts, self(), in, {m, f, 1}, 3, 7},
          {trace_ts, self(), out_exited, 0, 7},
          {trace_ts, self(), 'receive', timeout, {'$beamtap_from', clock_service, undefined}, 7},
          {trace_ts, self(), 'receive', timeout, {'$beamtap_from', node(), self()}, 7},
          {trace_ts, self(), 'receive', timeout, 7},
          {trace_ts, self(), send_to_non_existing_process, hi, self(), 7},
          {trace_ts, self(), spawn, self(), {m, f, improper}, 7},
          {trace_ts, self(), counted, {m, f, 1}, {5, 12000, none}, 7},
          {trace_ts, self(), gc_max_heap_size, [{a, 1}], 7}],
  {ok, F} = file:open(File, [write, raw, binary]),
  [begin Bin = term_to_binary(M, [{minor_version, erlang:unique_integer([positive]) rem 2 + 1}]), Line = unicode:characters_to_binary(line(M)),
     file:write(F, [<<(size(Line)):32>>, Line, <<(size(Bin)):32>>, Bin]) end || M <- L ++ More],
  file:close(F), halt().
collect(L, To) -> receive finish -> To ! {corpus, lists:reverse(L)}; M -> collect([M | L], To) end.
work() ->
  target(1, apple), catch target(boom, x), lists:sum([1, 2, 3]), lists:last("abc"),
  S = spawn_link(?MODULE, server, []), register(corpus_server, S),
  S ! {self(), hello}, receive {reply, hello} -> ok end,
  corpus_server ! {self(), <<"bin">>}, receive {reply, _} -> ok end,
  {corpus_server, node()} ! {self(), 3.5}, receive {reply, _} -> ok end,
  {nobody, 'other@nowhere'} ! {hello, you},
  A = alias(), A ! to_alias, receive to_alias -> ok end, unalias(A),
  Port = open_port({spawn, cat}, []), Port ! {self(), close}, receive {Port, closed} -> ok end,
  receive never -> ok after 30 -> ok end,
  erlang:garbage_collect(),
  unregister(corpus_server), unlink(S), S ! stop, (catch exit(spawn(fun() -> ok end), kill)),
  spawn(fun() -> link(whereis(init)), exit({bad, "reason"}) end), timer:sleep(10), exit(normal).

%% The line: kind, pid, module, function, arity, peer, payload, metadata, flags, count, time.
p(T) -> io_lib:format("~0tp", [T]).
none() -> "-".
line(T) -> L0 = tl(tl(tuple_to_list(T))), Pid = element(2, T), Time = lists:last(L0),
  [Tag | Rest] = lists:droplast(L0), Ns = case Time of {N, _} -> N; N -> N end,
  {K, Mfa, Peer, Pay, Meta, Flags, Count} = what(Tag, Rest),
  {M, F, A} = Mfa,
  [K, $\t, p(Pid), $\t, M, $\t, F, $\t, integer_to_list(A), $\t, Peer, $\t, Pay, $\t, Meta, $\t,
   integer_to_list(Flags), $\t, integer_to_list(Count), $\t, integer_to_list(Ns)].
-define(NO, {"-", "-", -1}).
args(A) when is_integer(A) -> {A, none(), 1, 0};
args({'$beamtap_cut', N}) -> {-1, none(), 2, N};
args({'$beamtap_cut', N, A}) -> {A, none(), 2, N};
args(A) -> {length(A), p(A), 0, 0}.
pay({'$beamtap_cut', N}) -> {none(), 2, N};
pay(T) -> {p(T), 0, 0}.
extra([]) -> {none(), none()};
extra([{'$beamtap_stack', _, none}]) -> extra([]);
extra([{'$beamtap_stack', _, Said}]) -> extra([Said]);
extra([T]) when element(1, T) =:= '$beamtap_caller' -> {caller(element(2, T)), x(3, T)};
extra([T]) when element(1, T) =:= '$beamtap_from' -> {peer(element(3, T)), x(4, T)};
extra([T]) when element(1, T) =:= '$beamtap_x' -> {none(), x(2, T)};
extra([T]) -> {none(), p(T)}.
stack([{'$beamtap_stack', S, _}]) when S =/= [] -> 512;
stack(_) -> 0.
x(I, T) when tuple_size(T) >= I -> p(element(I, T));
x(_, _) -> none().
caller({M, F, A}) -> [p(M), $:, p(F), $/, integer_to_list(A)];
caller(undefined) -> none().
peer(undefined) -> none();
peer(T) -> p(T).
origin({M, F, A} = T) when is_atom(M), is_atom(F), is_integer(A) -> {{p(M), p(F), A}, p(T)};
origin({M, F, A} = T) when is_atom(M), is_atom(F), is_list(A) -> {{p(M), p(F), length(A)}, p(T)};
origin({M, F, _} = T) -> {{p(M), p(F), -1}, p(T)};
origin(T) -> {?NO, p(T)}.
what(call, [{M, F, As} | E]) -> {A, Pay, Fl, C} = args(As), {Peer, Meta} = extra(E),
  {"function_call", {p(M), p(F), A}, Peer, Pay, Meta, Fl bor stack(E), C};
what(return_from, [{M, F, A}, V]) -> {Pay, Fl, C} = pay(V),
  {"function_return", {p(M), p(F), A}, none(), Pay, none(), Fl, C};
what(counted, [{M, F, A}, V]) -> {"function_counters", {p(M), p(F), A}, none(), p(V), none(), 0, 0};
what(exception_from, [{M, F, A}, V]) -> {"function_exception", {p(M), p(F), A}, none(), p(V), none(), 0, 0};
what(send, [V, To]) -> {Pay, Fl, C} = pay(V), {"message_send", ?NO, peer(To), Pay, none(), Fl, C};
what(send_to_non_existing_process, [V, To]) -> {"message_send", ?NO, peer(To), p(V), none(), 8, 0};
what('receive', [timeout]) -> {"message_receive", ?NO, none(), "timeout", none(), 4, 0};
what('receive', [timeout, {_, clock_service, undefined}]) -> {"message_receive", ?NO, none(), "timeout", none(), 4, 0};
what('receive', [V | E]) -> {Pay, Fl, C} = pay(V), {Peer, Meta} = extra(E), {"message_receive", ?NO, Peer, Pay, Meta, Fl, C};
what(spawn, [P, {M, F, {'$beamtap_cut', N, A}}]) -> {"process_spawn", {p(M), p(F), A}, p(P), none(), none(), 2, N};
what(spawn, [P, O]) -> {Mfa, Pay} = origin(O), {"process_spawn", Mfa, p(P), Pay, none(), 0, 0};
what(spawned, [P, O]) -> {Mfa, Pay} = origin(O), {"process_start", Mfa, p(P), Pay, none(), 0, 0};
what(exit, [R]) -> {"process_exit", ?NO, none(), p(R), none(), 0, 0};
what(link, [P]) -> {"process_link", ?NO, p(P), none(), none(), 0, 0};
what(getting_linked, [P]) -> {"process_link", ?NO, p(P), none(), none(), 64, 0};
what(unlink, [P]) -> {"process_unlink", ?NO, p(P), none(), none(), 0, 0};
what(getting_unlinked, [P]) -> {"process_unlink", ?NO, p(P), none(), none(), 64, 0};
what(register, [N]) -> {"process_register", ?NO, none(), p(N), none(), 0, 0};
what(unregister, [N]) -> {"process_unregister", ?NO, none(), p(N), none(), 0, 0};
what(in, [O | _]) -> sched("schedule_in", O, 0);
what(in_exiting, [O]) -> sched("schedule_in", O, 16);
what(out, [O]) -> sched("schedule_out", O, 0);
what(out_exiting, [O]) -> sched("schedule_out", O, 16);
what(out_exited, [O]) -> sched("schedule_out", O, 16);
what(gc_minor_start, [I]) -> gc("gc_start", I, 0);
what(gc_minor_end, [I]) -> gc("gc_end", I, 0);
what(gc_major_start, [I]) -> gc("gc_start", I, 32);
what(gc_major_end, [I]) -> gc("gc_end", I, 32);
what(_, _) -> {"ignored", ?NO, none(), none(), none(), 0, 0}.
sched(K, 0, Fl) -> {K, ?NO, none(), none(), none(), Fl, 0};
sched(K, O, Fl) -> {Mfa, Pay} = origin(O), {K, Mfa, none(), Pay, none(), Fl, 0}.
gc(K, I, Fl) -> {K, ?NO, none(), p(I), none(), Fl, 0}.
