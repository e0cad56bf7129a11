%% otp.hrl: which modules are Erlang/OTP's or Elixir's, and so not traced unless they are named.
%%
%% The module says so, by its name (otp_modules.hrl): a release keeps its own applications beside OTP's, and one of them may
%% be called tools or logger too. A name alone is not enough either, where it is known where the module comes from: one
%% called counter in an application that OTP does not have is its owner's. And what a later release has more lies in one
%% folder with what is known.

%% all: include_otp. Else the folders of OTP's applications, as far as modules of them are loaded.
otp_new(#{include_otp := true}) -> all;
otp_new(_) ->
    lists:usort([Folder || {M, File} <- code:all_loaded(), is_list(File), {Application, Folder} <- [otp_folder(File)],
                           is_listed(otp_applications(), list_to_binary(Application)),
                           is_listed(otp_modules(), atom_to_binary(M))]).

is_otp(_, _, all) -> false;
is_otp(_, preloaded, _) -> true;
is_otp(Name, File, Folders) ->
    case otp_folder(File) of
        {Application, Folder} ->
            lists:member(Folder, Folders) orelse
                (is_listed(otp_modules(), Name) andalso is_listed(otp_applications(), list_to_binary(Application)));
        unknown -> is_listed(otp_modules(), Name)
    end.

%% {Application, Folder} of .../APP-VSN/ebin/m.beam or .../APP/ebin/m.beam.
otp_folder(File) when is_list(File) ->
    case path_parts(File, [], []) of
        [_, "ebin", Folder | _] = [_ | Path] -> {lists:takewhile(fun(C) -> C =/= $- end, Folder), Path};
        _ -> unknown
    end;
otp_folder(_) -> unknown.

is_listed(Names, Name) -> binary:match(Names, <<" ", Name/binary, " ">>) =/= nomatch.

%% The parts of a path, the last one first.
path_parts([], Part, Parts) -> [lists:reverse(Part) | Parts];
path_parts([$/ | Rest], Part, Parts) -> path_parts(Rest, [], [lists:reverse(Part) | Parts]);
path_parts([C | Rest], Part, Parts) -> path_parts(Rest, [C | Part], Parts).
