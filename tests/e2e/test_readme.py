"""README.md says what the programs do: its INI reference is what the option tables say.

    python3 tests/e2e/test_readme.py --write      writes the reference anew
"""
import json, sys
from lib import *

README = os.path.join(TOP, 'README.md')
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
    text = open(README, encoding='utf-8').read()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    assert text[begin:end] == reference(), 'README.md: the INI reference is out of date; see the head of this test'


def every_file_it_names_is_there():
    for name in re.findall(r'\]\(([^)#:]+)\)', open(README, encoding='utf-8').read()):
        assert os.path.exists(os.path.join(TOP, name)), name


def the_example_is_accepted():
    text = open(README, encoding='utf-8').read()
    example = re.search(r'```ini\n(; calls.ini.*?)```', text, re.S).group(1)
    Run(example, command='check').ended(0)


def installed_it_works_the_same():
    prefix = os.path.join(work, 'root')
    subprocess.run(['scons', '-Q', '-s', 'variant=release', 'builddir=' + os.path.dirname(BUILD), 'install',
                    'prefix=/usr/local', 'destdir=' + prefix], cwd=TOP, check=True, stdout=subprocess.DEVNULL)
    beamtap = prefix + '/usr/local/bin/beamtap'
    listed = json.loads(subprocess.run([beamtap, 'plugins', '--json'], check=True, stdout=subprocess.PIPE, env=env).stdout)
    assert {p['name'] for p in listed} == {p['name'] for p in ask()}
    assert all(p['path'].startswith(prefix) for p in listed), listed
    headers = ['include/beamtap/' + h for h in os.listdir(os.path.join(TOP, 'core/include/beamtap'))]
    assert {'include/beamtap/sink.h', 'include/beamtap/beamtap.h'} <= set(headers), headers
    for name in headers + ['lib/pkgconfig/beamtap.pc']:
        assert os.path.exists('%s/usr/local/%s' % (prefix, name)), name


if '--write' in sys.argv:
    old = open(README, encoding='utf-8').read()
    with open(README, 'w', encoding='utf-8') as out:
        out.write(old[:old.index(BEGIN) + len(BEGIN)] + reference() + old[old.index(END):])
else:
    tests(the_ini_reference_is_what_the_tables_say, every_file_it_names_is_there, the_example_is_accepted,
          installed_it_works_the_same)
