%% native.hrl: events are taken by a tracer in C (../native), and not by a process.
%%
%% It encodes in the traced process itself, cut at max_term, and a thread of its own sends the frames: no event becomes a message in
%% this node. What the relay is for otherwise, limits, pauses and credit, is done there. The relay that stands here instead owns
%% the run in the library: it passes the reports on, hears how the run fares, and when it is gone the library ends the run by itself.
%%
%% Modules that are loaded during the run are looked for, and gaps say when (load.hrl): what the spec of on_load brings would have to be
%% judged by the rules of the run, in the traced process.
%%
%% The library comes with the plan, or lies on this machine. It is loaded and unloaded by the registry, once for all runs. Where
%% that cannot be done, collect = auto goes on with a process, and says why.

-define(NATIVE_PREFIX, "beamtap_native_").
-define(NATIVE_FOLDERS, ["/tmp", "/dev/shm", "/var/tmp"]).
-define(NATIVE_IN_PLACE, 0).
-define(NATIVE_URGENT, 1).
-define(NATIVE_LAST, 2).
-define(NATIVE_GONE, 1000). % ms until a run whose owner was killed has ended
-define(NATIVE_WAIT, 50).
-define(NATIVE_WAITS, 40).

%% ---- A guardian's part ---------------------------------------------------------------------------------------------

%% {{Module, Number}, Reports}; {none, Reports}: a process takes the events. Throws {refused, Code, Text}.
native_start(#{native := #{mode := Mode} = Native} = Options, Relay, Registry) ->
    case native_stream(Options) of
        none -> native_not(Mode, <<"there is no Unix socket that the node shares with beamtap, and over the distribution it cannot send: use [transport:tcp]">>);
        Stream -> native_begin(native_loaded(native_fits(Native), Native, Registry), Stream, Options, Relay)
    end;
native_start(_, _, _) ->
    {none, []}.

%% Where all frames of the run go, or only those of the library.
native_stream(#{stream := Stream}) -> Stream;
native_stream(#{native := #{stream := Stream}}) -> Stream;
native_stream(_) -> none.

native_begin({ok, Module}, Stream, #{native := #{mode := Mode}} = Options, Relay) ->
    case native_open(Module, Stream, Options, Relay) of
        {ok, Number} -> {{Module, Number}, []};
        {error, Text} when is_map_key(stream, Options) -> throw({refused, stream, Text}); % a process would not get there either
        {error, Text} -> native_not(Mode, text("~ts; with [transport:tcp] it can send over TCP", [Text]));
        {refused, Text} -> native_not(Mode, Text)
    end;
native_begin({error, Text}, _, #{native := #{mode := Mode}}, _) -> native_not(Mode, Text).

native_not(auto, Text) ->
    {none, [{log, info, text("events are taken by a process, the native tracer cannot be had: ~ts", [Text])}]};
native_not(native, Text) ->
    throw({refused, native, text("collect = native, but the native tracer cannot be had: ~ts", [Text])}).

%% ok, or why the library is not for this node.
native_fits(#{library := {path, _}}) -> ok;
native_fits(#{machine := Machine}) ->
    System = erlang:system_info(system_architecture),
    Libc = lists:suffix("musl", System),
    case lists:prefix(unicode:characters_to_list(Machine, utf8) ++ "-", System) andalso erlang:system_info(os_type) of
        {unix, linux} when not Libc -> ok;
        {unix, linux} -> {error, text("the node's system is ~ts, and the library is for glibc (native_library names another one)", [System])};
        _ -> {error, text("the node's system is ~ts, and the library is for ~ts-linux (native_library names another one)", [System, Machine])}
    end.

native_loaded(ok, #{module := Module, beam := Beam, library := Library}, Registry) ->
    Ref = monitor(process, Registry),
    Registry ! {native, self(), Ref, {Module, Beam, Library}},
    receive
        {Ref, ok} -> erlang:demonitor(Ref, [flush]), {ok, Module};
        {Ref, {error, Text}} -> erlang:demonitor(Ref, [flush]), {error, Text};
        {'DOWN', Ref, process, _, _} -> exit(registry)
    end;
native_loaded(Error, _, _) -> Error.

native_open(Module, Stream, Options, Relay) ->
    Ref = monitor(process, Relay),
    Relay ! {native_open, self(), Ref, Module, Stream, Options},
    receive
        {Ref, {ok, Number}} -> erlang:demonitor(Ref, [flush]), {ok, Number};
        {Ref, {error, Why}} -> erlang:demonitor(Ref, [flush]), {error, stream_failed(Stream, Why)};
        {Ref, {refused, Text}} -> erlang:demonitor(Ref, [flush]), {refused, Text};
        {'DOWN', Ref, process, _, Why} -> throw({refused, stream, text("the relay was ended: ~0tP", [Why, 10])})
    end.

%% Who stands in the trace flags.
native_tracer(none, Relay) -> Relay;
native_tracer(Native, _) -> Native.

native_arity(none, #{arity_only := Only}) -> Only;
native_arity(_, #{native := #{arity_only := Only}}) -> Only.

%% Before the flags are set.
native_carriers(#run{native = {Module, Number}, carriers = Carriers}) when is_map(Carriers) ->
    Module:carriers(Number, [whereis(rex), whereis(net_kernel)]);
native_carriers(_) -> ok.

%% What the run had come to when its relay was killed; the connection is closed by then.
native_figures(Module, Number, Tries) ->
    Module:abort(Number),
    receive after 20 -> ok end,
    case Module:figures(Number) of
        over -> {0, 0, 0, 0};
        {_, _, _, _, true} when Tries > 0 -> native_figures(Module, Number, Tries - 1);
        {Produced, Sent, _, Frames, _} -> {Produced, Sent, Frames, 0}
    end.

%% ---- The relay's part ----------------------------------------------------------------------------------------------

%% Its functions begin with relay_, by which `clean` knows orphans.
relay_native(Guardian, Ref, Module, Stream, Options) ->
    case relay_native_open(Module, Stream, Options) of
        {ok, Number, Notes} ->
            Guardian ! {Ref, {ok, Number}},
            receive
                {relay_begin, Guardian, #run{options = #{credit := Credit}} = Run, Reports, _} ->
                    [relay_native_say(Report, ?NATIVE_URGENT, Run) || Report <- Reports ++ Notes],
                    Module:credit(Number, Credit),
                    relay_native_loop(Guardian, Run)
            end;
        Error ->
            Guardian ! {Ref, Error},
            relay_begin(Guardian) % it may take the events itself instead
    end.

%% Events come as soon as the first process has its flags, and what the start says has to stand before them: so there is no credit
%% until that was said, which needs none.
relay_native_open(Module, #{address := Address, port := Port, timeout := Timeout, token := Token, answer := Answer} = Stream,
                  #{lease := Lease, max_memory := Memory, max_term := Term, max_events := Events, max_rate := Rate,
                    overload := Overload, native := #{numbered := Numbered}}) ->
    Local = case Stream of #{local := L} -> L; _ -> <<>> end,
    Threads = 1 + lists:sum([erlang:system_info(I) || I <- [schedulers, dirty_cpu_schedulers, dirty_io_schedulers]]),
    Numbers = {Port, Timeout, Lease, Memory, Term, Events, Rate, 0, Threads,
               case Overload of pause -> 0; drop -> 1; stop -> 2 end, case Numbered of true -> 1; false -> 0 end},
    case Module:open(Address, Local, Token, Answer, Numbers) of
        {ok, Number, MaxTerm} ->
            Cut = native_cut(Term, MaxTerm, Memory, Threads),
            receive
                {beamtap_native, Number, connected} -> {ok, Number, Cut};
                {beamtap_native, Number, {connected, Text}} -> {ok, Number, [stream_note(Text) | Cut]};
                {beamtap_native, Number, {failed, Text}} -> {error, Text}
            end;
        {error, Text} -> {refused, Text} % by the library: too many runs, no thread
    end.

%% A payload has to fit into the buffer of a scheduler.
native_cut(Term, MaxTerm, Memory, Threads) when MaxTerm < Term ->
    [{log, info, text("payloads of more than ~b bytes are cut: max_memory (~b bytes) is for the buffers of ~b threads that events may come "
                      "from", [MaxTerm, Memory, Threads])}];
native_cut(_, _, _, _) -> [].

relay_native_say(Report, How, #run{native = {Module, Number}}) ->
    Module:control(Number, term_to_binary(Report), How).

%% In its place among the events, which is here and now, and not when the relay comes to it.
report_now(#run{native = {_, _}} = Run, Report) ->
    try relay_native_say(Report, ?NATIVE_IN_PLACE, Run) catch error:_ -> report(Run, Report) end;
report_now(Run, Report) -> report(Run, Report).

relay_native_loop(Guardian, #run{native = {_, Number}} = Run) ->
    receive
        {relay_finish, From, Tag, Final, Wait} ->
            relay_native_finish(Run, From, Tag, Final, Wait);
        {relay_follow, Pids, Tree, Select} ->
            relay_native_loop(Guardian, relay_native_follow(Pids, Tree, Run#run{select = Select}));
        Message ->
            relay_native_heard(Message, Guardian, Number, Run),
            relay_native_loop(Guardian, Run)
    end.

%% More processes; in a pause the library lets nothing of them pass either.
relay_native_follow(Pids, Tree, Run) ->
    Bad = each_process(fun(Pid) -> follow_flags(Pid, Tree, Run) end, Pids),
    [relay_native_say({log, warning, text("~p: ~ts", [P, process_note(taken)])}, ?NATIVE_IN_PLACE, Run) || {P, taken} <- Bad],
    Run.

relay_native_heard({relay_report, Report}, _, _, Run) -> relay_native_say(Report, ?NATIVE_IN_PLACE, Run);
relay_native_heard({relay_sample, Report}, _, _, Run) -> relay_native_say(Report, ?NATIVE_IN_PLACE, Run);
relay_native_heard({relay_urgent, Report}, _, _, Run) -> relay_native_say(Report, ?NATIVE_URGENT, Run);
relay_native_heard({beamtap, credit, Total}, _, _, Run) when is_integer(Total) -> credit_grant(Run, Total);
relay_native_heard({beamtap_native, Number, {max_events, _}}, Guardian, Number, #run{options = #{max_events := Max}}) ->
    Guardian ! {relay_end, self(), max_events, text("max_events (~b) was reached", [Max])};
relay_native_heard({beamtap_native, Number, {overload, Text}}, Guardian, Number, _) ->
    Guardian ! {relay_end, self(), overload, text("~ts, and overload = stop", [Text])};
relay_native_heard({beamtap_native, Number, {broken, Text}}, Guardian, Number, _) ->
    Guardian ! {relay_end, self(), failed, text("the connection to the collector broke: ~ts", [Text])};
relay_native_heard({beamtap_native, Number, resume}, _, Number, #run{native = {Module, _}}) ->
    Module:resume(Number);
relay_native_heard({beamtap_native, Number, {own, Pid}}, _, Number, #run{native = {Module, _}} = Run) ->
    try set_process(Run#run.session, Run#run.tracer, Pid, false, [all]) catch error:_ -> ok end,
    Module:forget(Number, Pid);
relay_native_heard(_, _, _, _) -> ok.

%% The flags are off. What waits in the rings may be sent for so long; then the figures are known, and the final report is the
%% last that goes over the connection.
relay_native_finish(#run{native = {Module, Number}, shared = Shared} = Run, From, Tag, Final, Wait) ->
    Module:finish(Number, Wait),
    receive {beamtap_native, Number, figures} -> ok end,
    {Produced, Sent, Lost, Frames, _} = Module:figures(Number),
    Map = Final#{produced => Produced, sent => Sent, lost => Lost, peak_queue => 0},
    relay_native_say({final, Map}, ?NATIVE_LAST, Run),
    receive
        {beamtap_native, Number, done} ->
            atomics:put(Shared, ?FINAL, 1),
            From ! {relay_final, Tag, Map, []};
        {beamtap_native, Number, unsent} ->
            From ! {relay_final, Tag, Map, [final_frame(Map, Frames, Produced)]}
    end,
    exit(normal).

%% ---- The registry's part -------------------------------------------------------------------------------------------

%% ok | {error, Text}. A module that is there already is the same one: its name says so.
native_load(Module, Beam, Library) ->
    case erlang:module_loaded(Module) orelse erlang:load_module(Module, Beam) of
        true -> put({native, Module}, true), ok;
        {module, Module} ->
            case native_library(Library, Module) of
                ok -> put({native, Module}, true), ok;
                Error -> native_purge(Module), Error
            end;
        {error, Why} -> {error, text("its module cannot be loaded: ~0tp", [Why])}
    end.

native_library({path, Path}, Module) ->
    Name = unicode:characters_to_list(Path, utf8),
    native_loaded_from(Module:load(native_base(Name)), Name);
native_library(Bytes, Module) ->
    native_unpack(?NATIVE_FOLDERS, Bytes, Module, native_mounts(), []).

native_base(Name) ->
    case lists:suffix(".so", Name) of
        true -> lists:sublist(Name, length(Name) - 3);
        false -> Name
    end.

native_loaded_from(ok, _) -> ok;
native_loaded_from({error, {_, Why}}, Name) -> {error, text("~ts: ~ts", [Name, Why])}.

%% The first folder from which it can be loaded: one may be full, read only, or mounted noexec.
native_unpack([], _, _, _, Whys) -> {error, text("~ts", [lists:join("; ", lists:reverse(Whys))])};
native_unpack([Folder | Rest], Bytes, Module, Mounts, Whys) ->
    case native_noexec(list_to_binary(Folder), Mounts) of
        %% Not tried: glibc keeps what it has mapped of a library whose code it may not map.
        true -> native_unpack(Rest, Bytes, Module, Mounts, [text("~ts is mounted noexec", [Folder]) | Whys]);
        false ->
            case native_unpack_in(Folder ++ "/beamtap-" ++ native_random(), Bytes, Module) of
                ok -> ok;
                {error, Text} -> native_unpack(Rest, Bytes, Module, Mounts, [Text | Whys])
            end
    end.

native_unpack_in(Dir, Bytes, Module) ->
    case prim_file:make_dir(Dir) of
        ok ->
            Result = try native_unpacked(Dir, Bytes, Module) catch _:Reason -> {error, text("~0tP", [Reason, 10])} end,
            prim_file:delete(Dir ++ "/native.so"),
            prim_file:del_dir(Dir),
            Result;
        {error, Error} -> {error, text("~ts: ~0tp", [Dir, Error])}
    end.

%% [{Folder, Flags}] of what is mounted, the last one first; [] where the system does not say. proc(5), mounts.
native_mounts() ->
    case prim_file:read_file("/proc/self/mounts") of
        {ok, Text} ->
            lists:reverse([{Folder, binary:split(Flags, <<",">>, [global])}
                           || Line <- binary:split(Text, <<"\n">>, [global]), [_, Folder, _, Flags | _] <- [binary:split(Line, <<" ">>, [global])]]);
        {error, _} -> []
    end.

%% What was mounted last on the folder, or else on the one that it is in.
native_noexec(Folder, Mounts) ->
    case lists:keyfind(Folder, 1, Mounts) of
        {_, Flags} -> lists:member(<<"noexec">>, Flags);
        false when byte_size(Folder) > 1 ->
            {Above, _} = lists:last([{0, 1} | binary:matches(Folder, <<"/">>)]),
            native_noexec(binary_part(Folder, 0, max(1, Above)), Mounts);
        false -> false
    end.

%% Nobody else may put anything there: then it is written, and there is nothing of that name yet.
native_unpacked(Dir, Bytes, Module) ->
    File = Dir ++ "/native.so",
    ok = prim_file:write_file_info(Dir, native_mode(8#700)),
    case prim_file:open(File, [write, exclusive, raw, binary]) of
        {ok, Fd} ->
            Written = prim_file:write(Fd, Bytes),
            prim_file:close(Fd),
            case Written of
                ok -> native_loaded_from(Module:load(Dir ++ "/native"), File);
                {error, Why} -> {error, text("~ts: ~0tp", [File, Why])}
            end;
        {error, Why} -> {error, text("~ts: ~0tp", [File, Why])}
    end.

%% #file_info{} with nothing but a mode (kernel's file.hrl).
native_mode(Mode) -> {file_info, undefined, undefined, undefined, undefined, undefined, undefined, Mode, undefined, undefined,
                      undefined, undefined, undefined, undefined}.

native_random() ->
    lists:append([integer_to_list(N, 36) || N <- [erlang:unique_integer([positive]), abs(erlang:monotonic_time()),
                                                  erlang:phash2({self(), make_ref()})]]).

%% The registry goes: so does the library, but not while another agent's run uses it.
native_unload() ->
    [native_purge(Module) || {{native, Module}, true} <- get(), purge_blocked() =:= false, native_is_idle(Module)].

native_is_used() -> [Module || {{native, Module}, true} <- get(), not native_is_idle(Module)] =/= [].

native_is_idle(Module) ->
    try Module:runs() =:= 0 catch error:_ -> true end.

native_purge(Module) ->
    catch erlang:delete_module(Module),
    erts_code_purger:purge(Module).

%% Of dead runs, by `clean`: modules that no run uses.
native_clean() ->
    [M || M <- erlang:loaded(), is_native(M), purge_blocked() =:= false, native_is_idle(M), native_purge(M) =/= error].

is_native(Module) -> is_atom(Module) andalso lists:prefix(?NATIVE_PREFIX, atom_to_list(Module)).
