%% needs.hrl: what the agent needs of the node, looked at before anything is set in it.
%%
%% A node may have lost its code path (a deploy moved its folders), or load nothing by itself (embedded mode). So everything
%% that is called outside of the VM itself is loaded, or found missing, first; build.escript compares this list with
%% what the beam imports. The VM's own modules (erlang, atomics, ...) are always there.

-define(NEEDED,
        [{binary, match, 2}, {binary, match, 3}, {binary, matches, 2}, {binary, split, 3}, {code, all_loaded, 0}, {code, ensure_loaded, 1}, {code, get_mode, 0}, {code, is_loaded, 1}, {code, load_file, 1}, {code, where_is_file, 1},
         {erts_debug, flat_size, 1}, {io, printable_range, 0},
         {lists, all, 2}, {lists, any, 2}, {lists, append, 1}, {lists, duplicate, 2}, {lists, filter, 2}, {lists, foldl, 3}, {lists, foldr, 3}, {lists, join, 2},
         {lists, keydelete, 3}, {lists, keyfind, 3}, {lists, keymember, 3}, {lists, keysort, 2}, {lists, last, 1},
         {lists, member, 2}, {lists, partition, 2}, {lists, prefix, 2}, {lists, reverse, 1}, {lists, reverse, 2},
         {lists, sort, 1}, {lists, sort, 2}, {lists, split, 2}, {lists, sublist, 2}, {lists, suffix, 2}, {lists, sum, 1}, {lists, takewhile, 2}, {lists, usort, 1},
         {maps, filter, 2}, {maps, fold, 3}, {maps, from_list, 1}, {maps, get, 3}, {maps, groups_from_list, 3}, {maps, keys, 1}, {maps, map, 2}, {maps, merge, 2},
         {maps, remove, 2}, {maps, to_list, 1}, {maps, values, 1}, {maps, without, 2},
         {net_kernel, monitor_nodes, 2},
         {queue, drop, 1}, {queue, in, 2}, {queue, new, 0}, {queue, peek, 1}, {queue, to_list, 1},
         {unicode, characters_to_binary, 2}, {unicode, characters_to_list, 2}]).
%% For a connection of the run's own, and what these call behind the scenes.
-define(NEEDED_STREAM,
        [{gen_tcp, close, 1}, {gen_tcp, connect, 4}, {gen_tcp, recv, 3}, {gen_tcp, send, 2},
         {inet, format_error, 1}, {inet, parse_address, 1}, {inet, setopts, 2},
         {inet_tcp, connect, 4}, {inet_parse, address, 1}, {inet_db, lookup_socket, 1}]).
%% Since OTP 27; where it cannot be loaded, the interface that all tools share does.
-define(NEEDED_SESSIONS,
        [{trace, delivered, 2}, {trace, function, 4}, {trace, info, 3}, {trace, process, 4}, {trace, recv, 3}, {trace, send, 3},
         {trace, session_create, 3}, {trace, session_destroy, 1}, {trace, session_info, 1}]).

%% Throws {refused, missing, Text}.
needs(Options) ->
    Stream = case Options of
        #{stream := _} -> [have(M) || M <- [inet6_tcp, local_tcp, inet_gethost_native, erl_posix_msg]], ?NEEDED_STREAM;
        _ -> []
    end,
    case [Needed || {M, F, A} = Needed <- ?NEEDED ++ Stream, not have(M, F, A)] of
        [] -> ok;
        Missing -> throw({refused, missing, missing_code(Missing)})
    end.

missing_code([{M, F, A} | _] = Missing) ->
    Modules = usort_few([Module || {Module, _, _} <- Missing]),
    case erlang:module_loaded(M) of
        true -> text("the node's module ~ts lacks ~ts/~b, which beamtap needs there; nothing was set", [M, F, A]);
        false ->
            text("the node has lost code that beamtap needs there: ~ts cannot be loaded (~ts:~ts/~b). Were its folders moved, "
                 "or its release replaced, while it runs? Nothing was set", [joined(Modules), M, F, A])
    end.

%% `lists` itself may be what is missing.
usort_few([]) -> [];
usort_few([M | Rest]) -> [M | usort_few([N || N <- Rest, N =/= M])].

joined([M]) -> [atom_to_list(M)];
joined([M | Rest]) -> [atom_to_list(M), ", " | joined(Rest)].

have(M, F, A) -> erlang:function_exported(M, F, A) orelse (have(M) andalso erlang:function_exported(M, F, A)).

%% In embedded mode nothing is loaded because it is called, but what is asked for is.
have(Module) ->
    erlang:module_loaded(Module) orelse
        try code:ensure_loaded(Module) of
            {module, _} -> true;
            {error, embedded} -> element(1, code:load_file(Module)) =:= module;
            {error, _} -> false
        catch _:_ -> false
        end.

%% Nobody is asked where the VM has none.
have_sessions() ->
    erlang:function_exported(erts_internal, trace_session_create, 3) andalso have(trace, session_create, 3).

%% Every process of the agent has a limit of its own, or none: the node's default (+hmax) is for what the node itself runs,
%% and where it kills it would take away who undoes. Also for whoever calls the agent, a process that rex made for it.
-define(OWN_HEAP, {max_heap_size, 0}).

own_heap() -> process_flag(max_heap_size, 0).
