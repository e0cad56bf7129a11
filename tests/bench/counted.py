"""The curves once more, counted and not timed: instructions an event and the lines of memory that it has to wait for.

By cachegrind, so that neither a clock nor a neighbour is part of it: of the whole process (what makes the frames, replay.c,
too), with a cache of 1 MiB, and as the difference of a run and one that is twice as long, in which nothing is new.
"""
import os, re, shutil, subprocess, tempfile
from multiprocessing.pool import ThreadPool
import collector
from lib import *  # noqa: F403

CACHE = ('--cache-sim=yes', '--D1=32768,8,64', '--LL=1048576,16,64')
FIGURES = (('instr.', r'I\s+refs'), ('lines', r'LLd misses'))
SINKS = ('csv', 'chrome')


def points(quick):
    many = 100000 if not quick else 10000
    return [(n, name, option) for name, option, values in
            (('nodes', 'nodes', (1, 8, 64)), ('pids', 'pids', (10, many)), ('functions', 'names', (1, many))) for n in values]


def count(plugins, sink, options):
    path = tempfile.mkdtemp(dir=work)
    log = os.path.join(path, 'cachegrind')
    collector.measured(path, collector.ini(plugins, sink, 'calls', False, options, '', '/dev/null'),
                       ('valgrind', '--tool=cachegrind', *CACHE, '--cachegrind-out-file=/dev/null', '--log-file=' + log))
    text = open(log).read()
    subprocess.run(['rm', '-rf', path])
    return [int(re.search(pattern + r':\s+([\d,]+)', text)[1].replace(',', '')) for _, pattern in FIGURES]


def counted(table, options):
    if not shutil.which('valgrind'):
        print('no valgrind: nothing counted')
        return
    plugins = collector.build_plugins()
    events = 400000 if not options.quick else 40000
    section = 'counted: instructions an event, and lines from beyond 1 MiB of cache, as things grow'
    rows = [(n, name, option, sink) for sink in SINKS for n, name, option in points(options.quick)]

    def row(of):
        n, name, option, sink = of
        short, long = (count(plugins, sink, {'events': e, option: n}) for e in (events, 2 * events))
        return [(b - a) / events for a, b in zip(short, long)]
    with ThreadPool(os.cpu_count()) as pool:
        for (n, name, _, sink), figures in zip(rows, pool.map(row, rows)):
            for (unit, _), figure in zip(FIGURES, figures):
                table.add(section, '%d %s -> %s' % (n, name, sink), [figure], unit)
