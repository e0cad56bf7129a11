#!/usr/bin/env python3
"""scons bench: what beamtap costs and carries, each row beside a peer in the same run.

Rounds are interleaved: each runs beamtap and all of its peers once, and a row's ratio is the median of the ratios within the
rounds. Nothing here passes or fails by time; tests/bench/README.md says what the rows mean and where the rest goes.

    bench.py --build build/release [--rounds 5] [--calls 600000] [--quick] [--long] [--json FILE] [SECTION...]
    bench.py --readme FILE        writes what a run left in FILE into README.md

Sections: collector, instructions, flat, counted, memory, attach, nodes, relay, live. --quick: small numbers, to see that everything
runs. --long: 100 M events in the curve too.
"""
import argparse, os, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
parser = argparse.ArgumentParser()
parser.add_argument('--build')
parser.add_argument('--rounds', type=int)
parser.add_argument('--calls', type=int, help='calls of a live row, over all of its processes')
parser.add_argument('--quick', action='store_true')
parser.add_argument('--long', action='store_true')
parser.add_argument('--json', help='default: bench.json in the build folder')
parser.add_argument('--readme', metavar='FILE')
parser.add_argument('sections', nargs='*', metavar='SECTION')
options = parser.parse_args()
if options.readme:
    import readme
    readme.write(options.readme)
    sys.exit()
if not options.build:
    parser.error('--build or --readme is needed')
options.build = os.path.abspath(options.build)
options.rounds = options.rounds or (2 if options.quick else 5)
options.calls = options.calls or (60000 if options.quick else 600000)
os.environ['BEAMTAP_BUILD'] = options.build
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'e2e'))
import attach, collector, counted, live  # noqa: E402
from table import Table, facts  # noqa: E402

SECTIONS = {'collector': collector.collector, 'instructions': collector.instructions, 'flat': collector.flat, 'counted': counted.counted,
            'memory': collector.memory, 'attach': attach.attach, 'nodes': attach.nodes,
            'relay': live.relay, 'live': live.live}
unknown = [s for s in options.sections if s not in SECTIONS]
if unknown:
    parser.error('no section %s (there are: %s)' % (', '.join(unknown), ', '.join(SECTIONS)))
table, where = Table(judge=not options.quick), facts()
print('%(cpu)s, %(cores)d cores, OTP %(otp)s, load before %(load_before).1f' % where, end='')
print('; medians of %d rounds' % options.rounds)
took = {}
for name, section in SECTIONS.items():
    if not options.sections or name in options.sections:
        began = time.time()
        section(table, options)
        took[name] = round(time.time() - began, 1)
missed = [r for r in table.rows if r.get('met') is False]
print('\nseconds: ' + ', '.join('%s %.0f' % t for t in took.items()))
print('%d rows, %d budgets met, %d missed' % (len(table.rows), sum(r.get('met') is True for r in table.rows), len(missed)))
path = options.json or os.path.join(options.build, 'bench.json')
table.save(path, rounds=options.rounds, calls=options.calls, quick=options.quick, seconds=took, **where)
print('all rows: ' + path)
