"""What functions are called in Elixir's syntax, a fun too: wherever an output has such a name it is what Elixir itself writes
(Exception.format_mfa), of modules of either language."""
import csv, json, os, re, shutil, subprocess, sys, tempfile
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from recording import *

MODULES = ['Elixir.Shop.Door', 'shop_door', 'odd module']
# Funs, what only looks like one, and names that are quoted, or are not.
FUNCTIONS = ['day', '-day/1-fun-0-', '-day/1-fun-12-', '-hello world/2-fun-0-', '-is_it?/0-fun-1-', '-a"b\\c/0-fun-0-', '-+/2-fun-0-', '-Odd/1-fun-0-',
             '-a/b/3-fun-0-', '-day/1-anonymous-2-', '-day/1-lc$^0/1-0-', '-day/1-fun.inner/1-', '-fun.step/3-', '-day-', '-a-b-c-', '--', '-x/1-fun-0',
             '-/1-fun-0-', 'hello world', 'done?', 'stop!', 'a@b', 'Odd', '+', 'and', 'nil', 'true', 'MACRO-day', '__info__', 'caf\u00e9', "it's", 'a"b']
WORKS = [(m, f, n % 3) for m in MODULES for n, f in enumerate(FUNCTIONS)]


def quoted(text):
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"') + '"'


def elixirs():
    """With an arity, and with arguments."""
    works = '[' + ', '.join('{:%s, :%s, %d}' % (quoted(m), quoted(f), n) for m, f, n in WORKS) + ']'
    program = 'for {m, f, n} <- %s, do: IO.puts([Exception.format_mfa(m, f, n), 0, Exception.format_mfa(m, f, Enum.to_list(1..n//1))])' % works
    with open('names.exs', 'w', encoding='utf-8') as f:
        f.write(program)
    out = subprocess.run(['elixir', 'names.exs'], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(os.environ, LANG='C.UTF-8', ELIXIR_ERL_OPTIONS='+fnu')).stdout
    told = [line.split('\0') for line in out.decode().splitlines()]
    assert len(told) == len(WORKS), out
    return told


def recorded():
    r = Recording(['function_call', 'function_return', 'process_spawn', 'process_start'])
    for i, (m, f, n) in enumerate(WORKS):
        mfa = tuple_of(atom(m), atom(f), integer(n))
        called = tuple_of(atom(m), atom(f), list_of(*map(integer, range(1, n + 1))))
        extra = tuple_of(atom('$beamtap_stack'), list_of(tuple_of(atom(m), atom(f), integer(n), list_of())), tuple_of(atom('$beamtap_caller'), mfa))
        r.event(20 * i, 1, 'call', called, extra)
        r.event(20 * i + 5, 1, 'return_from', mfa, integer(7))
        r.event(20 * i + 10, 1, 'spawn', pid(100 + i), called)
        r.event(20 * i + 11, 100 + i, 'spawned', pid(1), called)
    with open('names.btf', 'wb') as f:
        f.write(r.end())


def export(*words):
    return run(BEAMTAP, 'export', 'names.btf', '--quiet', *words, out=False)


def text_is_elixirs():
    lines = export('--sink', 'stdout:syntax=elixir').splitlines()
    stacks, lines = [line.strip() for line in lines if line.startswith(' ' * 9)], [line for line in lines if not line.startswith(' ' * 9)]
    assert stacks == ['by ' + name for name, _ in told], stacks[:3]
    for i, (name, called) in enumerate(told):
        calls, returns, spawns, starts = lines[4 * i + 1:4 * i + 5]
        assert calls.endswith('-> %s from %s' % (called, name)), (WORKS[i], called, calls)
        assert returns.endswith('<- %s = 7' % name), (WORKS[i], name, returns)
        assert spawns.endswith(' ' + called) and starts.endswith(' ' + called), (WORKS[i], called, spawns, starts)
    # In Erlang's own they are atoms.
    assert "-> 'Elixir.Shop.Door':'-day/1-fun-0-'(1)" in export('--sink', 'stdout:syntax=erlang')


def tables_and_lines_have_it():
    export('--sink', 'csv:path=n.csv,syntax=elixir,columns=event,module,function,arity,mfa,process', '--sink', 'csv:path=e.csv,columns=event,mfa')
    with open('n.csv', encoding='utf-8', newline='') as f:
        rows = list(csv.DictReader(f))
    calls = [r for r in rows if r['event'] == 'function_call']
    assert [r['mfa'] for r in calls] == [name for name, _ in told], [r['mfa'] for r in calls]
    assert (calls[1]['module'], calls[1]['function'], calls[1]['arity']) == ('Elixir.Shop.Door', "'-day/1-fun-0-'", '1'), calls[1]
    starts = [r['process'] for r in rows if r['event'] == 'process_start']
    assert starts[:len(FUNCTIONS)] == [name for name, _ in told][:len(FUNCTIONS)], starts[:9]  # of a process that begins in Elixir
    with open('e.csv', encoding='utf-8', newline='') as f:
        assert "'Elixir.Shop.Door':'-day/1-fun-0-'/1" in {r['mfa'] for r in csv.DictReader(f)}
    lines = [json.loads(line) for line in export('--sink', 'stdout:format=json,syntax=elixir').splitlines()]
    assert [e['mfa'] for e in lines if e['event'] == 'function_call'] == [name for name, _ in told]
    assert [(e['peer'], e['stack']) for e in lines if 'stack' in e] == [(name, [name]) for name, _ in told]
    assert 'mfa' not in export('--sink', 'stdout:format=json')


def pictures_and_sums_have_it():
    """Of modules of Elixir's; those of Erlang's are written as Erlang does, whatever the syntax."""
    want = {name for (m, _, _), (name, _) in zip(WORKS, told) if m.startswith('Elixir.')}
    export('-o', 'n.html', '-o', 'n.folded', '--sink', 'chrome:path=n.json', '--sink', 'summary:path=n.txt,top=100')
    with open('n.html', encoding='utf-8') as f:
        data = json.loads(re.search(r'id="data">(.*?)</script>', f.read(), re.S)[1])
    assert want <= {row[0] for row in data['functions']}, want - {row[0] for row in data['functions']}
    with open('n.json', encoding='utf-8') as f:
        names = {e.get('name') for e in json.load(f)['traceEvents']}
    assert want <= names, want - names
    with open('n.folded', encoding='utf-8') as f:
        frames = {line.rsplit(' ', 1)[0].split(';')[-1] for line in f}
    assert {name.replace(';', ':') for name in want} <= frames, want - frames
    with open('n.txt', encoding='utf-8') as f:
        lines = f.read().splitlines()
    assert all(any(line.endswith('  ' + name) for line in lines) for name in want), [n for n in want if not any(l.endswith('  ' + n) for l in lines)]


work = tempfile.mkdtemp(prefix='beamtap-names-')
try:
    if not shutil.which('elixir'):
        print('# skipped: there is no elixir (apt-get install elixir)')
        sys.exit(0)
    os.chdir(work)
    recorded()
    told = elixirs()
    sys.exit(1 if tests('function_names', (text_is_elixirs, tables_and_lines_have_it, pictures_and_sums_have_it)) else 0)
finally:
    shutil.rmtree(work)
