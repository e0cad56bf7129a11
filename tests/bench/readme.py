"""Writes a run of the bench into README.md: nothing of its tables is typed by hand.

A block between <!-- NAME --> and <!-- /NAME --> is made anew when the run has rows for it, and else stays as it is.
"""
import json, os, re

from table import number

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'README.md')


def machine(run):
    return '*%s, %d cores, OTP %s, %s; load %.1f before; medians of %d rounds*' % (
        run['cpu'], run['cores'], run['otp'], run['date'], run['load_before'], run['rounds'])


def table(head, rows):
    lines = ['| %s |' % ' | '.join(head), '| %s |' % ' | '.join(['---'] * len(head))]
    return lines + ['| %s |' % ' | '.join(row) for row in rows]


def budgets(run):
    rows = [r for r in run['rows'] if 'met' in r]
    if not {'collector', 'memory', 'attach', 'live'} <= {r['section'].split(':')[0] for r in rows}:
        return None  # of some sections only
    cells = []
    for r in rows:
        figure = '%s %s' % (number(r['value']), r['unit'])
        measured = '%.2f x (%s)' % (r['ratio'], figure) if 'ratio' in r else figure
        held = number(r['budget']) + (' x' if 'ratio' in r else ' ' + r['unit'])
        cells.append([r['section'].split(':')[0], r['name'] + (', ' + r['peer'] if 'peer' in r else ''), measured,
                      ('at least ' if r['least'] else 'at most ') + held,
                      ('met' if r['met'] else '**missed**') + (': ' + r['note'] if r['note'] else '')])
    missed = sum(not r['met'] for r in rows)
    return [machine(run), '', '%d budgets, %d met, %d missed.' % (len(rows), len(rows) - missed, missed), ''] + table(
        ['section', 'row', 'measured', 'budget', ''], cells)


def curves(run):
    """A line for each curve and sink: its points, ns of CPU an event."""
    lines, floor = {}, []
    for r in run['rows']:
        if not r['section'].startswith('flat:'):
            continue
        point = re.match(r'(\d+) (.+) -> (\w+)$', r['name'])
        if point:
            lines.setdefault((point[2], point[3]), []).append('%s: %s' % (point[1], number(r['value'])))
        else:
            floor.append('%s MiB: %s' % (re.search(r'\d+', r['name'])[0], number(r['value'])))
    if not lines:
        return None
    rows = [[what, sink, ', '.join(points)] for (what, sink), points in lines.items()]
    return [machine(run), ''] + table(['what grows', 'into', 'ns an event'], rows + [['floor', 'a look into', ', '.join(floor)]])


def counted(run):
    """The same, counted: `instructions + lines of memory`."""
    lines = {}
    for r in run['rows']:
        point = r['section'].startswith('counted:') and re.match(r'(\d+) (.+) -> (\w+)$', r['name'])
        if point:
            points = lines.setdefault((point[2], point[3]), {})
            points[point[1]] = points.get(point[1], ()) + (number(r['value']),)
    if not lines:
        return None
    return table(['what grows', 'into', 'instructions + lines from beyond 1 MiB of cache, an event'],
                 [[what, sink, ', '.join('%s: %s' % (n, ' + '.join(f)) for n, f in points.items())]
                  for (what, sink), points in lines.items()])


def instructions(run):
    rows = [[r['name'], number(r['value'])] for r in run['rows'] if r['section'].startswith('instructions:')]
    return table(['', 'instructions an event'], rows) if rows else None


def memory(run):
    rows = [[r['name'] + (', ' + r['note'] if r['note'] else ''), number(r['value'])] for r in run['rows']
            if r['section'].startswith('memory:')]
    return [machine(run), ''] + table(['', 'MiB at the most'], rows) if rows else None


BLOCKS = {'budgets': budgets, 'curves': curves, 'counted': counted, 'instructions': instructions, 'memory': memory}


def write(path):
    with open(path) as f:
        run = json.load(f)
    if run['quick']:
        raise SystemExit('%s is of a quick run, whose figures are mostly start-up' % path)
    with open(PATH) as f:
        text = f.read()
    for name, make in BLOCKS.items():
        lines, block = make(run), re.compile(r'(<!-- %s -->\n).*?(<!-- /%s -->)' % (name, name), re.S)
        if len(block.findall(text)) != 1:
            raise SystemExit('README.md has no block %s' % name)
        if lines:
            text = block.sub(lambda m: m[1] + '\n'.join(lines) + '\n' + m[2], text)
            print('written: ' + name)
    with open(PATH, 'w') as f:
        f.write(text)
