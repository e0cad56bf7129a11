%% e2e_made: modules that a test makes, loads, loads again, and calls at once.
-module(e2e_made).
-export([make/2, load_and_call/3, stay/1]).

%% A module with add/2, all/1 (N calls of add/2 in its body), and loop/0, as a file in a folder: its module.
make(Module, Folder) ->
    Source = ["-module('" ++ atom_to_list(Module) ++ "').", "-export([add/2, all/1, loop/0]).", "add(A, B) -> A + B.",
              "all(N) -> [add(1, I) || I <- lists:seq(1, N)], ok.",
              "loop() -> receive {From, Ref} -> From ! Ref, loop() end."],
    {ok, Module, Beam} = compile:forms([form(Text) || Text <- Source], []),
    File = filename:join(Folder, atom_to_list(Module) ++ ".beam"),
    ok = filelib:ensure_dir(File),
    ok = file:write_file(File, Beam),
    Module.

form(Text) ->
    {ok, Tokens, _} = erl_scan:string(Text),
    {ok, Form} = erl_parse:parse_form(Tokens),
    Form.

%% Loads it, and calls all(N) before anybody else can do anything; so often.
load_and_call(Path, N, Times) ->
    Module = list_to_atom(filename:basename(Path)),
    Load = fun() -> code:purge(Module), {module, Module} = code:load_abs(Path), ok = Module:all(N) end,
    {_, Ref} = spawn_monitor(fun() -> [Load() || _ <- lists:seq(1, Times)] end),
    receive {'DOWN', Ref, process, _, Why} -> Why end.

%% A process in the code as it is now.
stay(Module) ->
    Pid = spawn(Module, loop, []),
    Ref = make_ref(),
    Pid ! {self(), Ref},
    receive Ref -> Pid end.
