/* protocol.h: what the collector and the agent in the node (agent/beamtap_agent.erl) say to each
 * other.
 *
 * The collector is a hidden C node. It asks for the node's limits and loads the agent with rex
 * (erlang:load_module, past the code server) under the module name that is written in the beam
 * (beamtap_agent_HHHHHHHH: the hash is of the source; a module that is already loaded under that
 * name is the same one and is never loaded over), and then speaks Erlang terms with it.
 *
 * 1. rex calls, Module:Function(Args), answered with {rex, Result}; unload, and what brings the
 *    agent there, as block_call, which rex does itself and in order (net/rpc.h):
 *
 *    start(Options) -> {ok, #{relay := pid(), guardian := pid(), tracer := pid()}} | {error, {Code,
 *    Text}}
 *       relay: takes {beamtap, credit, Total}; today a guardian, which passes it on without a
 *       message, because a grant must not stand behind a hundred thousand trace messages. tracer:
 *       the process that traces. Code: atom for tests, Text: binary UTF-8, one sentence for the
 *       user. Codes: empty_plan, bad_spec, stream (it cannot be connected to), busy (someone else
 *       traces and the plan needs what they hold), no_process, again (the module is just being
 *       purged: load it again if it is gone, and try again; undef from start and a killed rpc mean
 *       the same), missing (the node has lost code that the agent calls), failed. Starts tracing
 *       before it returns. Options is a map:
 *         run          binary, 16 hex digits, names this run in every match spec ({const, {beamtap,
 *                      Run}})
 *         collector    the C node's pid: frames and reports go there
 *         events       list of kind atoms (function_call, ...)
 *         functions    list of {Module, Function, Arity, Spec, Flags, Where}; [] while
 *                      function_call, function_return or function_exception is in events: every
 *                      function. Module: binary glob (* and ?) | any; a name without * and ? counts
 *                      as named Function: binary (a name) | any; Arity: integer | any; Spec: match
 *                      spec list | none, as the user wrote it Flags: list of named, return,
 *                      exception, caller, stack; Where: binary for reports ("trace.ini:12")
 *         processes    list of {pid, Binary} | {name, Atom} | new | {tree, {pid, Binary}} | {tree,
 *                      {name, Atom}}; []: all. A name is whoever bears it, as long as the run
 *                      lasts; a tree is also what lives below its process already
 *         sends        list of match specs (each a list of clauses), []: every message
 *         receives     likewise; heads are [Node, Sender, Message]
 *         include_otp  boolean. The libraries of Elixir count as OTP's
 *         load         boolean: modules named exactly that are not loaded are loaded. Default true
 *         duration     ms, 0: no limit      lease        ms
 *         max_events   0: no limit          max_rate     events a second, 0: no limit
 *         max_queue    messages             max_memory   bytes of the relay's mailbox and held
 *                      frames; 0: no limit
 *         max_term     bytes                overload     pause | drop | stop
 *         credit       bytes of frames that may be sent before the first {credit, ...}
 *         names        boolean: names are told when they are asked for (below); never with
 *                      schedule_in or schedule_out in events. Default false
 *         mailbox      ms: how often the mailboxes of the first 256 processes that were asked about
 *                      are looked at; 0, the default: never. Likewise not with scheduling
 *         arity_only   boolean: calls come as {M, F, Arity}. Default false
 *         call         none | {Module, Function, Arguments, Timeout, Linger}: the run is this one
 *                      call, made in a process of its own, and what it spawns; `processes` is []
 *                      then. Milliseconds; Timeout 0: no limit, beyond it the caller is killed;
 *                      Linger: how long what it spawned may go on being traced afterwards
 *         counters     list of calls, time, memory: a profile (counters.hrl); events is
 *                      [function_counters] then, and every Spec none. Default []
 *         interval     ms: how often they are read; 0, the default: at the end alone
 *         native       not there: a process takes the events. Else a map: mode (auto: a process
 *                      where it cannot be done, and a line in the log that says why; native: the
 *                      run is refused, with code native), module (atom), beam (binary: that
 *                      module), library (binary, or {path, binary} on the node's machine), machine
 *                      (binary: of the library, as in system_architecture), arity_only (boolean, in
 *                      the place of the other), and where all other frames come over the
 *                      distribution stream (as the one below; not there: it cannot be done). The
 *                      library sends over the stream
 *         stream       not there: frames come over the distribution. Else a map: the node connects
 *                      to address (binary, an IP address or a host's name; empty: not over TCP) and
 *                      port, but first to the Unix socket local (binary as in sockaddr_un, may not
 *                      be there), within timeout (ms), sends "BTT1" and token (16 bytes), expects
 *                      answer (16 bytes), and all frames of the relay come over that connection,
 *                      one after the other with nothing between them. What the relay could not say
 *                      itself (it was killed, or the connection broke) its guardian says over the
 *                      distribution, after that connection was closed
 *       The user's match specs may not use trace, enable_trace, disable_trace, silent, set_tcw or
 *       set_seq_token: bad_spec.
 *    info() -> map
 *       release, erts (binaries), visible, hidden (lists of nodes, without collectors), tracers
 *       (list of {Pid, Text}), tracer_texts (without beamtap's), sends, receives, on_load, new
 *       (booleans: someone's pattern or flags are there), patterns (number of functions that others
 *       trace), beamtap_patterns, runs (list of #{run, guardian, module}), run_texts, sessions
 *       (names, as texts), stays (only where the agent's module will not be purged: why, as text)
 *    clean() -> map
 *       what dead runs had left and what was removed: functions ([{M,F,A}]), function_texts,
 *       on_load (texts), messages, relays (number), sessions, modules; living: runs whose
 *       guardians live, which are left alone (their lease ends them); stays, as in info
 *    unload() -> ok
 *       purges the module when no run uses it (called after a start that failed, info and clean);
 *       the purge follows a moment after the answer. A run that ends does it by itself, after half
 *       a second
 *
 * 2. Messages from the collector (SEND to the pids that start returned):
 *
 *    guardian  {beamtap, credit, Total} cumulative bytes of frames (headers and bodies) that may
 *              have been sent by now; to the guardian, since in the relay's mailbox it would stand
 *              behind all the trace messages that wait there
 *    guardian  {beamtap, renew}
 *              the lease begins anew
 *    guardian  {beamtap, stop}
 *              tracing off, trace_delivered, the rest is sent, then the final report
 *    guardian  {beamtap, returns_off, {M, F, A}, Pid, Open} so many calls of it have not returned
 *              in that process. Where its stack is as large as these make it (a call that an
 *              untraced exception ended left nothing there) and does not show the function again
 *              and again (it waits for its own calls, and they return), that function's pattern is
 *              set again without return_trace and exception_trace; {returns_off, ...} and a line in
 *              the log say so. Calls go on. The agent does so by itself for a value above max_term
 *    guardian  {beamtap, nodes, visible | connected} answered at once by a message that is no
 *              frame: {beamtap, nodes, [Name]}, the names as atoms; from then on another one
 *              follows for each node that comes
 *    guardian  {beamtap, names, {Ref, [Pid]}} what these processes (at most 256) are called:
 *              answered when they have answered, in a control frame. The next question comes after
 *              the answer
 *    guardian  {beamtap, clock, Ref}
 *              answered at once in a control frame: {clock, Ref, Monotonic, Offset}
 *
 * 3. Messages to the collector: a binary that begins with "BTF1" is a frame. What is in frames,
 * trace messages and reports, stands in beamtap/frame.h. Reports answer the messages above, in
 * order with the events. The final report is sent regardless of credit; where the connection does
 * not take it, it is tried again for one lease. After it the agent removes itself.
 */
#ifndef TAP_TRANSPORTS_BEAM_PROTOCOL_H
#define TAP_TRANSPORTS_BEAM_PROTOCOL_H

#define TAP_AGENT_PREFIX "beamtap_agent_"
/* What a node says first on a connection of its own: magic and token. */
#define TAP_STREAM_MAGIC "BTT1"
#define TAP_STREAM_TOKEN 16u
#define TAP_STREAM_HELLO (4u + TAP_STREAM_TOKEN)
/* bytes of frames in flight, at least: see tap_beam_credit; the collector renews when half is
 * used */
#define TAP_AGENT_CREDIT (4u << 20)

#endif
