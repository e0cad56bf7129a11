#!/usr/bin/env escript
%% build.escript: native.erl to the beam that is committed. Run it with OTP 25, or newer releases load it and older ones do not.
%%
%%   escript build.escript           writes beamtap_native.beam beside itself
%%   escript build.escript FILE      writes FILE instead (a test compares the two)
main(Arguments) ->
    Here = filename:dirname(filename:absname(escript:script_name())),
    {ok, _, Beam} = compile:file(filename:join(Here, "native.erl"), [binary, deterministic, no_docs, return_errors, no_line_info]),
    {ok, {_, Stripped}} = beam_lib:strip(Beam),
    Plain = case Stripped of
        <<"FOR1", _/binary>> -> Stripped;
        _ -> zlib:gunzip(Stripped)
    end,
    Out = case Arguments of [File] -> File; [] -> filename:join(Here, "beamtap_native.beam") end,
    ok = file:write_file(Out, Plain).
