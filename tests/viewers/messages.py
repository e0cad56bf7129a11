"""A run of messages into a table, for those that read tables: 100,000 numbers first, then whatever may be hard to read."""
from lib import *

NUMBERS = 100000
PIECE = 10000
INI = """[session]
nodes = %s
events = message_receive
duration = 0
max_rate = 0
max_queue = 10M
max_memory = 1G
[filter:pids]
pids = reader
[sink:csv]
path = trace.csv
queue = 256M
"""


def recorded(node, messages):
    """`messages`: an Erlang list, behind the numbers. The run, ended, and how many rows its trace.csv has."""
    node('register(reader, spawn(fun F() -> receive _ -> F() end end)), ok')
    run = Run(INI % node.name, '--json')
    node.traced()
    there = lambda n: wait_for(lambda: run.process.poll() is not None or len(rows(run)) == n, '%d messages in the file' % n)
    for n in range(PIECE, NUMBERS + 1, PIECE):  # tracing pauses where the collector, on a busy machine, is too far behind
        node('[reader ! I || I <- lists:seq(%d, %d)], ok' % (n - PIECE + 1, n))
        there(n)
    node('[reader ! M || M <- %s], ok' % messages)
    count = NUMBERS + int(node('length(%s)' % messages))
    there(count)
    run.interrupt().ended(0)
    invariant(run.summary())
    assert len(rows(run)) == count, (len(rows(run)), count)
    return run, count
