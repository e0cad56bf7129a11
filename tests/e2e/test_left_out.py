"""Of "all", only Erlang/OTP's own modules and the processes that carry the trace are left out, whatever the others are called, and
the log, the summary and `check` say which."""
import glob
from collections import defaultdict
from lib import *

compile_erlang('e2e_made.erl')
INI = """[session]
nodes = %s
events = %s
duration = 0
[sink:csv]
path = trace.csv
"""
# Folders and modules that sound like OTP's and Elixir's, and are not.
ALIKE = [('tools', 'tools_cart'), ('logger-1.0', 'logger_shop'), ('ssh-9', 'ssh_shop'), ('stdlib_shop-1.0', 'counter')]


def traced(node, events):
    run = Run(INI % (node.name, events), '--json')
    node.traced()
    return run


def done(run, node):
    run.interrupt()
    assert run.code == 0, run.err()
    invariant(run.summary())
    node.clean()
    return rows(run)


def is_said(run):
    """In the log, where much of it is cut, and in the summary; the text."""
    said = run.summary()['nodes'][0]['left_out']
    logged, summed = re.findall(r'left out: (.*?)(?: \.\.\. \(all of them: in the summary at the end\))?$', run.err(), re.M)
    assert said == summed and logged and said.startswith(logged), (said, run.err())
    return said


def modules_with_names_like_those_of_otp():
    """There before, and loaded during the run."""
    for when in ('before', 'during'):
        node = Node()
        paths = []
        for folder, module in ALIKE:
            where = '%s/%s_%s/%s/ebin' % (work, when, node.name.split('@')[0], folder)
            assert node("e2e_made:make(%s, \"%s\")" % (module, where)) == module
            paths.append('"%s/%s"' % (where, module))
        if when == 'before':
            for path in paths:
                assert node('e2e_made:load_and_call(%s, 1, 1)' % path) == 'normal'
        run = traced(node, 'function_call')
        for path in paths:
            assert node('e2e_made:load_and_call(%s, 3, 1)' % path) == 'normal'
        found = done(run, node)
        for _, module in ALIKE:
            calls = [r for r in found if (r['module'], r['function']) == (module, 'add')]
            assert len(calls) == 3, (when, module, len(calls))
        assert not [r for r in found if r['module'] in ('lists', 'gen_server', 'code_server', 'io', 'logger')], found[:5]
        assert 'modules of Erlang/OTP and Elixir (' in is_said(run) and 'include_otp = true' in is_said(run), is_said(run)
        node.stop()


def a_module_that_a_later_release_has():
    """Nobody knows its name; it lies beside what is OTP's."""
    node = Node()
    assert node('e2e_made:make(tomorrow, "%s/tomorrow")' % work) == 'tomorrow'
    load = '{ok, B} = file:read_file("%s/tomorrow/tomorrow.beam"), {module, _} = code:load_binary(tomorrow, "%s", B)'
    call = 'P = spawn_monitor(fun() -> tomorrow:add(1, 2) end), receive {_, _, _, _, Why} -> Why end'
    for where, calls in (('%s/ebin/tomorrow.beam' % node('code:lib_dir(stdlib)').strip('"'), 0), (work + '/tomorrow/tomorrow.beam', 1)):
        node(load % (work, where))
        run = traced(node, 'function_call')
        node(call)
        assert len([r for r in done(run, node) if r['module'] == 'tomorrow']) == calls, (where, run.err())
    node.stop()


def processes_with_names_like_those_of_otp():
    """One called logger_shop, one linked to `user`, and the logger and `user` themselves."""
    node = Node()
    loop = 'fun L() -> receive {F, R} -> F ! R, L() end end'
    node('register(logger_shop, spawn(%s)), ok' % loop)
    node('register(linked_shop, spawn(fun() -> link(whereis(user)), (%s)() end)), ok' % loop)
    names = ['logger_shop', 'linked_shop', 'user', 'logger']
    pids = {name: node('whereis(%s)' % name) for name in names}
    run = traced(node, 'message_receive')
    node('[begin R = make_ref(), P ! {self(), R}, receive R -> ok end end || P <- [logger_shop, linked_shop]], '
         '[N ! hello || N <- [user, logger]], ok')
    wait_for(lambda: all(pid in run.read('trace.csv') for pid in pids.values()), 'what each of %s received' % pids)
    done(run, node)
    said = is_said(run)
    left = re.search(r'(\d+) processes that carry the trace \((.*)\)', said)
    for name in ('rex', 'net_kernel', 'code_server'):
        assert name + ' (<' in left[2], said
    assert not any(name + ' (<' in left[2] for name in names), said
    assert int(left[1]) == len(left[2].split(', ')), said
    # each that is named here was named by `check`, which asks no node
    check = re.search(r'^processes +(.*?)^\w', Run(INI % (node.name, 'message_receive'), command='check').ended(0).out(), re.M | re.S)[1]
    named = re.findall(r'(\S+) \(<', left[2])
    assert len(named) >= 6 and all(re.search(r'\b%s\b' % name, check) for name in named), (named, check)
    node.stop()


def messages_of_those_that_are_left_out_are_told():
    """What goes to them and comes from them has no other end: the summary says that this is why."""
    node = Node()
    run = traced(node, 'message_send, message_receive')
    ask = 'init ! {self(), {get_argument, nothing}}, receive {init, _} -> ok end'
    assert node('element(5, begin P = spawn_monitor(fun() -> [begin whereis(init) ! hello, %s end || _ <- lists:seq(1, 7)] end), '
                'receive {_, _, _, _, _} = Down -> Down end end)' % ask) == 'normal'
    done(run, node)
    told = run.summary()['messages']
    assert told['sends_open'] >= told['sends_unseen'] >= 7 and told['receives_open'] >= told['receives_unseen'] >= 7, told
    for kind, words in (('sends', 'sends without a receive (\\d+), of these to processes that are not traced (\\d+)'),
                        ('receives', 'receives without a send (\\d+), of these from processes that are not traced (\\d+)')):
        said = re.search('^messages: paired .*' + words, run.err(), re.M)
        assert said and tuple(map(int, said.groups())) == (told[kind + '_open'], told[kind + '_unseen']), (told, run.err())
    node.stop()


def check_says_it():
    out = Run(INI % ('none@localhost', 'function_call, message_send'), command='check').ended(0).out()
    assert 'without those of Erlang/OTP and Elixir' in out and 'without those that carry the trace' in out, out


def every_module_of_this_release_is_known():
    """By otp_modules.hrl; what a later point release has more lies beside what is known, and there it is little."""
    with open(os.path.join(TOP, 'plugins/transports/beam/agent/otp_modules.hrl'), encoding='utf-8') as f:
        known = set(f.read().replace('"', ' ').split())
    folders = defaultdict(set)
    for path in [p for what in ('erlang', 'elixir') for p in glob.glob(ROOT + '/usr/lib/%s/lib/*/ebin/*.beam' % what)]:
        folders[os.path.dirname(path)].add(os.path.basename(path)[:-5])
    there = set().union(*folders.values())
    alone = {folder: modules for folder, modules in folders.items() if not modules & known}
    assert len(there) > 100 and not alone and len(there - known) < len(there) / 20, 'run otp_modules.sh: %s %s' % (sorted(there - known), alone)


tests(modules_with_names_like_those_of_otp, a_module_that_a_later_release_has, processes_with_names_like_those_of_otp,
      messages_of_those_that_are_left_out_are_told, check_says_it, every_module_of_this_release_is_known)
