"""What the rows of a table make of calls, worked out apart from beamtap's own ways."""
import collections, functools
from story_files import CONTROL

PARTS = ('term', 'code')  # the reasons of a gap of some functions, or of arguments and messages alone (tap_event_is_part_gap)


def is_gap(row):
    return row.event == 'gap' and row.reason not in PARTS


class Calls:
    """Of each function: how many calls, the times that they took (total and own), and the length of each call that ended. Own time
    is without that of calls within, and without what was waited: by schedule_in and schedule_out, else from the last event of the
    process to a receive of a message that was not there before. `returned`: whose calls have an end, see story_files.whose_returns."""

    def __init__(self, rows, returned=lambda name: True):
        self.returned = functools.lru_cache(None)(returned)
        self.off, self.ever_off = set(), set()  # (node, name)
        self.spans = collections.defaultdict(list)  # (node, pid, name): (begin, length) of each that ended
        self.count, self.total, self.own = collections.Counter(), collections.Counter(), collections.Counter()
        self.lengths = collections.defaultdict(list)
        self.stacks, self.open = collections.defaultdict(list), collections.Counter()
        self.every = collections.defaultdict(list)  # lengths, of those that an exception left too
        self.exceptions = 0  # each once: it is told for every frame that it goes through
        self.unwinding, self.last, self.out, self.sent, self.scheduled = {}, {}, {}, {}, False
        for row in rows:
            if row.event == 'lost' or row.event == 'node_down' or is_gap(row):
                for seen in (self.unwinding, self.last, self.out):
                    for key in [key for key in seen if key[0] == row.node]:
                        del seen[key]
            elif row.event not in CONTROL:
                self.waiting(row, (row.node, row.pid))
            if row.event in ('returns_off', 'node_up'):
                self.learn_off(row)
            if row.event in ('lost', 'node_down') or is_gap(row):  # what was open may have ended unseen
                for key in [key for key in self.stacks if key[0] == row.node]:
                    self.clear(key)
            elif row.event in ('function_call', 'function_return', 'function_exception', 'process_exit', 'process_start'):
                getattr(self, row.event)(row, (row.node, row.pid))

    def learn_off(self, row):
        """From here on the node does not tell the returns of a function; once it is back, of all again."""
        if row.event == 'returns_off':
            self.off.add((row.node, (row.module, row.function, row.arity)))
            self.ever_off |= self.off
        else:
            self.off = {one for one in self.off if one[0] != row.node}

    def waiting(self, row, key):
        if row.flow and row.event == 'message_send':
            self.sent[row.flow] = row.ts
        if row.event == 'schedule_out':
            self.scheduled, self.out[key] = True, row.ts
        elif row.event == 'schedule_in':
            self.scheduled = True
            self.waited(key, self.out.pop(key, row.ts), row.ts)
        elif row.event == 'message_receive':
            last, sent = self.last.get(key), self.sent.pop(row.flow, 0) if row.flow else 0
            if last and not self.scheduled:
                self.waited(key, last, min(sent or row.ts, row.ts))
        self.last[key] = row.ts

    def waited(self, key, start, end):
        if self.stacks[key]:
            self.stacks[key][-1][2] += max(0, end - max(start, self.stacks[key][-1][1]))

    def function_call(self, row, key):
        name = (row.module, row.function, row.arity)
        self.count[name] += 1
        self.unwinding.pop(key, None)
        stack = self.stacks[key]
        if 'tail' in row.flags and stack or (row.node, name) in self.off or not self.returned(name):
            return
        stack.append([name, row.ts, 0])
        self.open[key, name] += 1

    def clear(self, key):
        for seen in (self.unwinding, self.last, self.out):
            seen.pop(key, None)
        for frame in self.stacks.pop(key, []):
            self.open[key, frame[0]] -= 1

    def pop(self, key, ts, ended):
        stack = self.stacks[key]
        name, began, inner = stack.pop()
        length = ts - began
        self.own[name] += max(0, length - inner)
        self.every[name].append(length)
        self.open[key, name] -= 1
        if not self.open[key, name]:
            self.total[name] += length
        if stack:
            stack[-1][2] += length
        if ended:
            self.lengths[name].append(length)
            self.spans[key + (name,)].append((began, length))

    def function_return(self, row, key):
        name = (row.module, row.function, row.arity)
        if 'tail' in row.flags:
            return
        if row.event == 'function_exception':
            self.exceptions += self.unwinding.get(key) != row.reason
            self.unwinding[key] = row.reason
        else:
            self.unwinding.pop(key, None)
        if not self.open[key, name]:
            return
        while self.stacks[key][-1][0] != name:
            self.pop(key, row.ts, False)
        self.pop(key, row.ts, True)

    function_exception = function_return

    def process_exit(self, row, key):
        self.clear(key)

    process_start = process_exit


_last = (None, None, None)


def calls_of(rows, returned):
    """Worked out once for all outputs that are held against these rows."""
    global _last
    if _last[0] is not rows or _last[1] is not returned:
        _last = rows, returned, Calls(rows, returned or (lambda name: True))
    return _last[2]
