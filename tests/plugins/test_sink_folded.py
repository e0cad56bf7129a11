"""The folded sink: different stacks take no more memory than they may, and what is beyond is added up and told."""
import os, shutil, sys, tempfile
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from recording import *

CALLS = 2000


def recorded():
    """Each call is in a function of its own, and that in one of forty."""
    r = Recording(['function_call', 'function_return'])
    for i in range(CALLS):
        outer, inner = 'outer%d' % (i % 40), 'inner%d' % i
        for ms, function in ((4 * i, outer), (4 * i + 1, inner)):
            r.event(ms, 1, 'call', tuple_of(atom('m'), atom(function), list_of()))
        for ms, function in ((4 * i + 2, inner), (4 * i + 3, outer)):
            r.event(ms, 1, 'return_from', tuple_of(atom('m'), atom(function), integer(0)), atom('ok'))
    with open('many.btf', 'wb') as f:
        f.write(r.end())


def folded(*options):
    told = run(BEAMTAP, 'export', 'many.btf', '--sink', 'folded:' + ','.join(('path=a.folded', 'weight=calls') + options))
    with open('a.folded', encoding='utf-8') as f:
        return dict(line.rsplit(' ', 1) for line in f.read().splitlines()), told


def all_fit():
    rows, told = folded()
    assert len(rows) == CALLS + 40 and '(other stacks)' not in rows, len(rows)
    assert 'other stacks' not in told, told


def what_is_beyond_is_added_up():
    rows, told = folded('max_memory=16k')
    others = int(rows.pop('(other stacks)'))
    assert 100 < len(rows) < 16384 // 64, len(rows)
    assert sum(map(int, rows.values())) + others == 2 * CALLS, (len(rows), others)
    # A stack that is known goes on being told apart.
    assert rows['m:outer0/0'] == str(CALLS // 40), rows['m:outer0/0']
    assert '%d of %d calls are added up as (other stacks)' % (others, 2 * CALLS) in told, told


folder = tempfile.mkdtemp()
os.chdir(folder)
try:
    recorded()
    sys.exit(1 if tests('sink_folded', (all_fit, what_is_beyond_is_added_up)) else 0)
finally:
    shutil.rmtree(folder)
