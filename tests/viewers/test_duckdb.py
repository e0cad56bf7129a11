"""The csv sink's file in DuckDB, opened without options: every row is there, and each message is the text that it is, also where
the first hundred thousand are numbers, and whatever the messages are after that.
"""
import os, subprocess, sys
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'e2e'))
from lib import *
from messages import recorded

DUCKDB = os.environ.get('BEAMTAP_DUCKDB', os.path.join(os.path.dirname(BUILD), 'duckdb'))
NASTY = r"""[{a,"b",'=x'}, '=sum(A1)', <<"q\"uote, comma">>, "text", "two\nlines", 1.5, -7, nan, true, null, '2024-01-01', [], '', <<>>]"""


def can_be_had():
    if os.path.isdir(os.path.join(DUCKDB, 'node_modules/@duckdb/node-api')):
        return True
    os.makedirs(DUCKDB, exist_ok=True)
    try:
        done = subprocess.run(['npm', 'install', '--no-audit', '--no-fund', '--no-save', '@duckdb/node-api'], cwd=DUCKDB,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as why:
        print('# skipped: DuckDB cannot be had here:', why)
        return False
    if done.returncode:
        print('# skipped: DuckDB cannot be had here:', done.stdout.decode('utf-8', 'replace').strip().splitlines()[-1:])
    return done.returncode == 0


def ask(run, sql):
    done = subprocess.run(['node', os.path.join(HERE, 'duckdb.mjs'), DUCKDB, run.path('trace.csv'), sql],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr[:2000]
    return json.loads(done.stdout)


def numbers_first_then_anything():
    node = Node()
    run, count = recorded(node, NASTY)
    got = ask(run, 'select ts, node, event, pid, module, function, arity, peer, message, metadata, flow from trace '
                   'where event not in (\'node_up\', \'node_down\') order by ts')
    want = rows(run)
    assert len(got) == len(want) == count, (len(got), len(want))
    for theirs, ours in zip(got, sorted(want, key=lambda r: int(r['ts'])), strict=True):
        assert {k: '' if v is None else str(v) for k, v in theirs.items()} == ours, (theirs, ours)
    types = ask(run, 'select typeof(any_value(ts)) as ts, typeof(any_value(message)) as message, typeof(any_value(arity)) as arity from trace')
    assert types == [{'ts': 'BIGINT', 'message': 'VARCHAR', 'arity': 'BIGINT'}], types
    node.clean()


if can_be_had():
    tests(numbers_first_then_anything)
