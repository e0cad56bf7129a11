"""libbeamtap: the example of plugins/README.md, and programs that use what is installed; nothing is left of a hundred traces."""
import csv
from lib import *

ROOT = os.path.join(work, 'root')
INSTALLED = ROOT + '/usr/local'
ASAN = os.path.join(os.path.dirname(BUILD), 'asan')
user = dict(env, LD_LIBRARY_PATH=INSTALLED + '/lib')
compile_erlang('e2e_call.erl')


def install():
    subprocess.run(['scons', '-Q', '-s', 'variant=release', 'builddir=' + os.path.dirname(BUILD), 'install',
                    'prefix=/usr/local', 'destdir=' + ROOT], cwd=TOP, check=True, stdout=subprocess.DEVNULL)


def pkg_config():
    where = dict(env, PKG_CONFIG_PATH=INSTALLED + '/lib/pkgconfig', PKG_CONFIG_SYSROOT_DIR=ROOT)
    return subprocess.run(['pkg-config', '--cflags', '--libs', 'beamtap'], env=where, check=True, stdout=subprocess.PIPE,
                          text=True).stdout.split()


def compile_c(source, name, *flags):
    program = os.path.join(work, name)
    subprocess.run(['gcc', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-pthread', '-o', program, source, *flags], check=True)
    return program


def run(program, *args, environment=user):
    done = subprocess.run([*program, *args], env=environment, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, encoding='utf-8', timeout=400)
    assert done.returncode == 0 and '! ' not in done.stdout, (done.returncode, done.stdout[-2000:], done.stderr[-4000:])
    return done


def uses(*args):
    return run([os.path.join(work, 'uses')], *args).stdout.splitlines()


def busy_node():
    node = Node()
    node('spawn(fun F() -> e2e_work:target(1, 2), receive after 5 -> F() end end), ok')
    return node


def the_example_of_the_readme():
    text = open(os.path.join(TOP, 'plugins', 'README.md'), encoding='utf-8').read()
    source = os.path.join(work, 'watch.c')
    with open(source, 'w', encoding='utf-8') as f:
        f.write(re.search(r'```c\n(/\* watch.c.*?)```', text, re.S).group(1))
    watch = compile_c(source, 'watch', *pkg_config())
    node = busy_node()
    done = run([watch], node.name, 'e2e_work')
    lines = done.stdout.splitlines()
    assert len(lines) == 10 and all(re.fullmatch(r'[0-9.]+ <0\.\d+\.0> function_(call|return) e2e_work:target/2 .*', l) for l in lines), lines
    # A process's first calls may come by their arity alone: how large it is has to be looked at first.
    texts = [l.split(' ', 4)[4] for l in lines]
    assert set(texts) <= {'', '[1,2]', '{1,2}'} and '{1,2}' in texts, lines
    assert '' not in texts[texts.index('[1,2]') if '[1,2]' in texts else 10:], lines
    with open(os.path.join(work, 'watch.json'), encoding='utf-8') as f:
        assert any(e['name'] == 'e2e_work:target/2' for e in json.load(f)['traceEvents'])
    node.clean()
    node.stop()
    done = subprocess.run([watch, node.name, 'e2e_work'], env=user, cwd=work, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and node.name in done.stderr, done


def each_end_of_a_call():
    node = Node()
    node('erl_eval:expr({integer,1,1}, [])')
    killed = {'function_call': 1, 'process_exit': 1}
    if node('erlang:system_info(otp_release)') == '"25"':  # it says both
        killed['function_exception'] = 1
    raised = {'function_call': 1, 'function_exception': 1}
    expected = [('add', 'returned', '3', {'function_call': 1, 'function_return': 1}),
                ('throws', 'throw', '{thrown,x}', raised), ('exits', 'exit', '{exited,x}', raised),
                ('fails', 'error', '{failed,x}', raised), ('killed', 'died', 'killed', killed), ('spins', 'timeout', '', killed),
                ('spawns', 'returned', 'done', {'function_call': 2703, 'function_return': 2703, 'process_spawn': 900,
                                                'process_start': 900, 'process_exit': 900, 'message_receive': 900})]
    for line, (function, end, text, counts) in zip(uses('calls', node.name), expected, strict=True):
        found = line.split('|')
        kinds = {k: int(n) for k, n in (pair.split('=') for pair in found[5].split())}
        assert (found[:3], kinds) == ([function, end, text], counts), (line, counts)
        assert (int(found[3]), int(found[4])) == (sum(counts.values()), 0), line
    node.clean()


def several_at_once_have_each_their_own():
    one, two = Node(), Node()
    ids = uses('several', one.name, two.name)
    assert len(set(ids)) == 20 and all(re.fullmatch('[0-9a-f]{16}', i) for i in ids), ids
    one.clean(), two.clean()


def what_falls_out_of_memory_is_counted():
    node = Node()
    f = json.loads(uses('small', node.name, 'kept.csv')[0])
    assert f['produced'] == f['kept'] + f['filtered'] + f['lost'] == 20034 and f['exact'] == 1 and f['lost'] == 0, f
    assert 0 < f['evicted'] < f['kept'] and f['first'][0] + f['first'][1] == f['kept'], f
    assert f['last'] == [f['kept'] - f['evicted'], f['evicted']], f
    with open(os.path.join(work, 'kept.csv'), newline='', encoding='utf-8') as c:
        rows = only_events(csv.DictReader(c))
    mine = [r for r in rows if r['event'] not in ('node_up', 'node_down', 'plan', 'lost')]
    assert len(mine) == f['last'][0] and [r['event'] for r in rows].count('lost') == 1, (len(mine), f)
    assert str(f['evicted']) in str([r for r in rows if r['event'] == 'lost']), rows[:5]
    node.clean()


def wrong_options_are_told():
    lines = uses('wrong')
    text = '\n'.join(lines)
    assert [l.split('|')[0] for l in lines if '|' in l] == ['invalid', 'invalid', 'invalid', 'error'], text
    for words in ("nodes", "did you mean 'function_call'?", 'soon', "sink:nothing", 'too short', 'nobody@localhost'):
        assert words in text, (words, text)


def of_a_hundred_traces_nothing_is_left():
    node = busy_node()
    figures = json.loads(run([os.path.join(work, 'uses')], 'again', node.name, '100').stdout)
    assert figures == {'seen': 101, 'threads': 0, 'descriptors': 0}, figures
    node.clean()


def nor_a_byte_says_valgrind():
    node = busy_node()
    done = run(['valgrind', '--leak-check=full', '--show-leak-kinds=definite,indirect,possible', '--num-callers=20',
                '--errors-for-leak-kinds=definite,indirect,possible', '--error-exitcode=9', os.path.join(work, 'uses')],
               'again', node.name, '100')
    figures = json.loads(done.stdout)
    assert figures == {'seen': 101, 'threads': 0, 'descriptors': 0}, figures
    assert 'ERROR SUMMARY: 0 errors' in done.stderr, done.stderr
    node.clean()


def nor_a_byte_says_the_address_sanitizer():
    if not os.path.exists(ASAN + '/libbeamtap.a'):
        subprocess.run(['scons', '-Q', '-s', '-j2', 'variant=asan', 'builddir=' + os.path.dirname(BUILD)], cwd=TOP, check=True)
    program = compile_c(os.path.join(E2E, 'library_uses.c'), 'sanitized', '-g', '-fsanitize=address,undefined',
                        '-fno-sanitize-recover=undefined', '-I' + os.path.join(TOP, 'core/include'), ASAN + '/libbeamtap.a',
                        '-linih', '-ldl', '-lm')
    node = busy_node()
    sanitized = dict(env, BEAMTAP_PLUGIN_PATH=ASAN + '/plugins')
    figures = json.loads(run([program], 'again', node.name, '100', environment=sanitized).stdout)
    assert figures == {'seen': 101, 'threads': 0, 'descriptors': 0}, figures
    for words in (('small', node.name, 'sanitized.csv'), ('calls', node.name)):
        run([program], *words, environment=sanitized)
    node.clean()


install()
compile_c(os.path.join(E2E, 'library_uses.c'), 'uses', '-g', *pkg_config())
tests(the_example_of_the_readme, each_end_of_a_call, several_at_once_have_each_their_own, what_falls_out_of_memory_is_counted,
      wrong_options_are_told, of_a_hundred_traces_nothing_is_left, nor_a_byte_says_valgrind,
      nor_a_byte_says_the_address_sanitizer)
