"""README.md and config/reference.md say what the programs do: the INI reference is what the option tables say.

    python3 tests/e2e/test_readme.py --write      writes the reference anew
"""
import json, sys
from lib import *

README, REFERENCE = os.path.join(TOP, 'README.md'), os.path.join(TOP, 'config', 'reference.md')
PAGES = [README, REFERENCE] + [os.path.join(TOP, d, 'README.md') for d in ('core', 'plugins', 'tests/bench')]
BEGIN, END = '<!-- reference -->\n', '<!-- /reference -->'


def ask(*words):
    return json.loads(subprocess.run([BEAMTAP, 'plugins', *words, '--json'], env=env, check=True, stdout=subprocess.PIPE).stdout)


def value(option):
    if option['required']:
        return 'required'
    return '`%s`' % option['default'] if option['default'] is not None else ''


def kind(option):
    if option['type'] == 'choice':
        return ' \\| '.join(option['choices'])
    text = option['type']
    if 'max' in option:
        text += ', %s to %s' % (option['min'], option['max'])
    elif 'min' in option:
        text += ', from ' + option['min']
    return text


def table(options):
    rows = ['| key | value | default | meaning |', '| --- | --- | --- | --- |']
    for o in options:
        rows.append('| `%s` | %s | %s | %s |' % (o['name'], kind(o), value(o), o['help'].replace('|', '\\|')))
    return '\n'.join(rows) + '\n'


def reference():
    text = '### [session]\n\n' + table(ask('session')[0]['options'])
    plugins = ask()
    common = {o['name'] for o in ask('sink:csv')[0]['options'] if o['name'] in ('queue', 'on_full', 'filters')}
    for p in plugins:
        options = [o for o in p['options'] if not (p['kind'] == 'sink' and o['name'] in common)]
        text += '\n### [%s:%s]\n\n%s.\n\n%s' % (p['kind'], p['name'], p['summary'][0].upper() + p['summary'][1:], table(options))
    shared = [o for o in ask('sink:csv')[0]['options'] if o['name'] in common]
    return text + '\n### Every sink\n\n' + table(shared)


def the_ini_reference_is_what_the_tables_say():
    text = open(REFERENCE, encoding='utf-8').read()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    assert text[begin:end] == reference(), 'config/reference.md is out of date; see the head of this test'


def every_file_they_name_is_there():
    for page in PAGES:
        text, folder = open(page, encoding='utf-8').read(), os.path.dirname(page)
        for name, place in re.findall(r'\]\(([^)#:]+)(#[^)]+)?\)', text):
            path = os.path.join(folder, name)
            assert os.path.exists(path), (page, name)
            if place:
                heads = re.findall(r'^#+ (.*)$', open(path, encoding='utf-8').read(), re.M)
                assert place[1:] in [re.sub(r'[^a-z0-9 -]', '', h.lower()).replace(' ', '-') for h in heads], (page, name, place)


def every_file_in_backticks_is_there():
    """`decode/frame.c` on the engineers' page: from core/, plugins/, or the agent's and public headers' folders."""
    text, bases = open(os.path.join(TOP, 'core', 'README.md'), encoding='utf-8').read(), ('', 'core', 'plugins', 'plugins/sinks',
                                                                                         'plugins/transports/beam')
    named = re.findall(r'`([\w.]+(?:/[\w.]+)*/?[\w*]+\.(?:c|h|hrl|erl|py|sh|md|escript|ini))`', text)
    named = [n for n in named if '/' in n and '*' not in n]
    assert len(named) > 30, named
    gone = [n for n in named if not any(os.path.exists(os.path.join(TOP, b, n)) for b in bases)]
    assert not gone, gone


def one_sitting():
    """The README is for a user who has a node to look at."""
    assert len(open(README, encoding='utf-8').read().splitlines()) <= 260


def every_folder_stands_in_the_architecture():
    text = open(os.path.join(TOP, 'core', 'README.md'), encoding='utf-8').read()
    folders = ['core/' + f for f in os.listdir(os.path.join(TOP, 'core')) if f not in ('include', 'README.md')]
    for kind in ('transports', 'filters', 'sinks'):
        folders += ['plugins/%s/%s' % (kind, f) for f in os.listdir(os.path.join(TOP, 'plugins', kind))]
    missing = [f for f in folders if not re.search(r'`(\w+/)*%s`' % re.escape(os.path.basename(f)), text)]
    assert not missing, missing


def the_example_is_accepted():
    text = open(README, encoding='utf-8').read()
    example = re.search(r'```ini\n(; calls.ini.*?)```', text, re.S).group(1)
    Run(example, command='check').ended(0)


def the_sink_of_the_authors_page_works():
    """As it stands there: compiled against the headers alone, listed, and run."""
    text = open(os.path.join(TOP, 'plugins', 'README.md'), encoding='utf-8').read()
    source = re.search(r'```c\n(/\* beamtap_sink_lines.c.*?)```', text, re.S).group(1)
    folder = tempfile.mkdtemp(dir=work)
    with open(os.path.join(folder, 'beamtap_sink_lines.c'), 'w') as f:
        f.write(source)
    subprocess.run(['cc', '-Wall', '-Wextra', '-Werror', '-std=c11', '-shared', '-fPIC', '-fvisibility=hidden', '-Wl,-z,defs',
                    '-I', os.path.join(TOP, 'core/include'), '-o', 'beamtap_sink_lines.so', 'beamtap_sink_lines.c'],
                   cwd=folder, check=True)
    where = dict(env, BEAMTAP_PLUGIN_PATH=folder)
    shown = subprocess.run([BEAMTAP, 'plugins', 'sink:lines'], env=where, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert 'a line for each call' in shown and 'path' in shown, shown
    node = Node()
    run = Run('[session]\nnodes = %s\nevents = function_call\nduration = 0\n[filter:modules]\nmodules = e2e_work\n'
              '[filter:pids]\npids = new\n[sink:lines]\npath = calls.txt\n[sink:csv]\npath = trace.csv\n' % node.name,
              '--json', environment=where)
    node.traced()
    assert node('e2e_work:run(2, 10, 2)') == 'ok'
    run.interrupt()
    assert run.code == 0, run.err()
    invariant(run.summary())
    lines = run.read('calls.txt').splitlines()
    calls = [r for r in rows(run) if r['event'] == 'function_call']
    assert len(lines) == len(calls) > 20
    assert all(re.fullmatch(r'\d+ %s %s:%s/%s' % tuple(map(re.escape, (r['pid'], r['module'], r['function'], r['arity']))), line)
               for r, line in zip(calls, lines)), lines[:3]
    node.clean()


def installed_it_works_the_same():
    prefix = os.path.join(os.path.realpath(work), 'root')
    subprocess.run(['scons', '-Q', '-s', 'variant=release', 'builddir=' + os.path.dirname(BUILD), 'install',
                    'prefix=/usr/local', 'destdir=' + prefix], cwd=TOP, check=True, stdout=subprocess.DEVNULL)
    beamtap = prefix + '/usr/local/bin/beamtap'
    listed = json.loads(subprocess.run([beamtap, 'plugins', '--json'], check=True, stdout=subprocess.PIPE, env=env).stdout)
    assert {p['name'] for p in listed} == {p['name'] for p in ask()}
    assert all(p['path'].startswith(prefix) for p in listed), listed
    headers = ['include/beamtap/' + h for h in os.listdir(os.path.join(TOP, 'core/include/beamtap'))]
    assert {'include/beamtap/sink.h', 'include/beamtap/beamtap.h'} <= set(headers), headers
    manual = ['share/man/man1/beamtap.1', 'share/man/man5/beamtap.ini.5', 'share/man/man7/beamtap-plugin.7', 'share/man/man7/beamtap-sink-folded.7']
    asked = [subprocess.run(['pkg-config', *words, 'beamtap-plugin'], check=True, stdout=subprocess.PIPE, text=True,
                            env=dict(env, PKG_CONFIG_PATH=prefix + '/usr/local/lib/pkgconfig')).stdout.strip()
             for words in (['--variable=plugindir'], ['--variable=abi'], ['--cflags'], ['--libs'])]
    assert asked == ['/usr/local/lib/beamtap/plugins-v1', '1', '-I/usr/local/include', ''], asked
    for name in headers + manual + ['lib/pkgconfig/beamtap.pc', 'lib/pkgconfig/beamtap-sink.pc', 'share/bash-completion/completions/beamtap',
                                    'share/zsh/vendor-completions/_beamtap', 'share/beamtap/template/debian/source/format']:
        assert os.path.exists('%s/usr/local/%s' % (prefix, name)), name


if '--write' in sys.argv:
    old = open(REFERENCE, encoding='utf-8').read()
    with open(REFERENCE, 'w', encoding='utf-8') as out:
        out.write(old[:old.index(BEGIN) + len(BEGIN)] + reference() + old[old.index(END):])
else:
    tests(the_ini_reference_is_what_the_tables_say, every_file_they_name_is_there, every_file_in_backticks_is_there, one_sitting,
          every_folder_stands_in_the_architecture, the_example_is_accepted,
          the_sink_of_the_authors_page_works,
          installed_it_works_the_same)
