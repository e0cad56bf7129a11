%% The module of the native tracer: all of it is in C (nif.c). Its name carries the hash of the C sources, of as many
%% characters as stand here, and is put in when it is embedded (SConstruct). Built by build.escript.
-module(beamtap_native_00000000).
-export([load/1, enabled/3, trace/5, open/5, control/3, credit/2, carriers/2, resume/1, forget/2, finish/2, abort/1, figures/1, runs/0]).
-nifs([enabled/3, trace/5, open/5, control/3, credit/2, carriers/2, resume/1, forget/2, finish/2, abort/1, figures/1, runs/0]).

%% Path: of the library, without .so
load(Path) -> erlang:load_nif(Path, 0).

enabled(_, _, _) -> erlang:nif_error(not_loaded).
trace(_, _, _, _, _) -> erlang:nif_error(not_loaded).
open(_, _, _, _, _) -> erlang:nif_error(not_loaded).
control(_, _, _) -> erlang:nif_error(not_loaded).
credit(_, _) -> erlang:nif_error(not_loaded).
carriers(_, _) -> erlang:nif_error(not_loaded).
resume(_) -> erlang:nif_error(not_loaded).
forget(_, _) -> erlang:nif_error(not_loaded).
finish(_, _) -> erlang:nif_error(not_loaded).
abort(_) -> erlang:nif_error(not_loaded).
figures(_) -> erlang:nif_error(not_loaded).
runs() -> erlang:nif_error(not_loaded).
