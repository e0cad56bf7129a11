"""The csv sink's file in DuckDB, opened without options: every row is there, and each message is the text that it is, also where
the first hundred thousand are numbers, and whatever the messages are after that.
"""
import os, subprocess, sys
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'e2e'))
from lib import *
from messages import recorded
import npm

DUCKDB = os.environ.get('BEAMTAP_DUCKDB', os.path.join(os.path.dirname(BUILD), 'duckdb'))
NASTY = r"""[{a,"b",'=x'}, '=sum(A1)', <<"q\"uote, comma">>, "text", "two\nlines", 1.5, -7, nan, true, null, '2024-01-01', [], '', <<>>]"""


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


why = npm.why_not(DUCKDB, '@duckdb/node-api', 'node_modules/@duckdb/node-api', 'DuckDB')
if why:
    print('# skipped: ' + why)
else:
    tests(numbers_first_then_anything)
