"""A timeline of the sink chrome, held against the rows of a table: each message, spawn, gap and loss
at its place, each call with its length, each arrow from the right row to the right row."""
import collections, json, re
from story_calls import PARTS, calls_of, is_gap
from story_files import opened, process, said

CLOSE = 5000  # ns: what begins or ends on a track at one time is moved by some ns each
BEND = 100000  # ns that a receive may be moved to stand behind its send (arrows.c)
REMEMBERED = 65536  # sends that wait for their receive (arrows.c)

# `before`: up to where something is drawn on its track already, as far as it is written.
Slice = collections.namedtuple('Slice', 'node pid track name ts dur args before')


def ns(us):
    return round(us * 1000)


class Timeline:
    def __init__(self, path):
        with opened(path) as f:
            whole = json.load(f)
        self.other = whole['otherData'] if isinstance(whole, dict) else {}
        self.started = int(self.other['started_ns']) if 'started_ns' in self.other else None
        self.events = whole['traceEvents'] if isinstance(whole, dict) else whole
        self.nodes, self.titles, self.latest = {}, {}, {}
        self.calls, self.points, self.arrows = [], [], collections.defaultdict(list)
        self.gaps, self.off, self.lost, self.parts = [], [], [], []
        self.collapsed = self.deep = 0
        self.loops = set()  # functions with turns that have no slice of their own
        for e in self.events:
            self.see(e)

    def see(self, e):
        args, track = e.get('args', {}), (e['pid'], e.get('tid'))
        self.collapsed += args.get('collapsed_calls', 0)
        self.deep += args.get('calls_too_deep', 0)
        if e['ph'] == 'M' and e['name'] == 'process_name':
            self.nodes[e['pid']] = args['name']
        elif e['ph'] == 'M' and e['name'] == 'thread_name':
            self.titles[track] = process(args['name'].rpartition(' ')[2])
        elif e['ph'] in 'XBi':
            if e['ph'] == 'X':
                assert e['dur'] > 0, 'a slice of no length: %s' % e
            ts, dur, before = ns(e['ts']), ns(e['dur']) if 'dur' in e else None, self.latest.get(track, 0)
            self.latest[track] = max(before, ts + (dur or 0))
            self.drawn(e['ph'], e.get('cat'), Slice(self.nodes.get(e['pid']), self.titles.get(track),
                                                    track, e['name'], ts, dur, args, before))
        elif e['ph'] in 'sf':
            self.arrows[e['cat'], e['id']].append((e['ph'], track + (ns(e['ts']),)))

    def drawn(self, ph, cat, s):
        if cat == 'call':
            self.calls.append(s)
            if 'collapsed_calls' in s.args:
                self.loops.add(s.name)
        elif ph == 'X' and (cat == 'message' or cat == 'process' and s.name in ('spawn', 'start')):
            self.points.append(s)
        elif cat == 'lost' and s.name == 'tracing off':
            (self.gaps if ph == 'X' else self.off).append(s)
        elif ph == 'i' and s.name == 'events lost':
            self.lost.append(s)
        elif ph == 'i' and s.name.startswith('left out '):
            self.parts.append(s)


def plain(label):
    """A function's name however it is quoted: Erlang's, Elixir's, bare."""
    return re.sub(r"['\\]|^'?Elixir\.", '', label).replace(':', '.')


def label_of(module, function, arity):
    """None: Elixir calls it otherwise."""
    anonymous = module.startswith('Elixir.') and function[:1] == '-'
    return None if anonymous else plain('%s:%s/%d' % (module, function, arity))


def by_label(figures, empty):
    found = collections.defaultdict(empty)
    for name, figure in figures.items():
        if label := label_of(*name):
            found[label] += figure
    return found


# ---- Gaps and losses

def at_its_place(s, row, line, what):
    """Where the row says, or right behind what is drawn on that track already."""
    if line.started is None:
        return
    behind = s.ts - max(row.ts - line.started, s.before)
    assert -CLOSE < behind < CLOSE, '%s: %s of %s is drawn %d ns behind its place' % (
        what, s.name, row.node, behind)


def reason_of(s):
    return s.args.get('reason', 'none')


def of_losses(rows, line, what):
    """Gaps and losses: of which node, when, how long or how many, why."""
    gaps, lost = [r for r in rows if is_gap(r)], [r for r in rows if r.event == 'lost']
    parts = [r for r in rows if r.event == 'gap' and r.reason in PARTS]
    for name, told, drawn in (('gaps', gaps, line.gaps), ('gaps', gaps, line.off),
                              ('losses', lost, line.lost), ('open gaps', parts, line.parts)):
        assert len(told) == len(drawn), '%s: %d %s, %d in the table' % (
            what, len(drawn), name, len(told))
    drawn = [iter(line.off), iter(line.lost), iter(line.parts)]
    length = iter(line.gaps)
    for row in rows:
        if row.event not in ('gap', 'lost'):
            continue
        s = next(drawn[1 if row.event == 'lost' else 2 if row.reason in PARTS else 0])
        assert s.node == row.node, '%s: %s of %s, in the table of %s' % (what, s.name, s.node, row.node)
        at_its_place(s, row, line, what)
        if row.event == 'lost':
            here = s.args['events'], reason_of(s)
        elif row.reason in PARTS:
            here = s.args.get('ns', 0), row.reason
            assert (s.name == 'left out until here') == (row.count > 0), (what, s, row)
        else:
            gap = next(length)
            assert gap.node == row.node and abs(gap.ts - s.ts) < CLOSE, (what, gap, s)
            here = row.count if abs(gap.dur - row.count) < CLOSE else gap.dur, reason_of(gap)
        assert here == (row.count, row.reason), '%s: %s of %s: %s, in the table %s' % (
            what, s.name, row.node, here, (row.count, row.reason))
    of_figures(rows, line, what)


def of_figures(rows, line, what):
    """What its otherData says of each node."""
    here = collections.defaultdict(lambda: [0, 0, 0])
    for row in rows:
        if row.event == 'lost':
            here[row.node][0] += row.count
        elif is_gap(row):
            here[row.node][1] += 1
            here[row.node][2] += row.count
    for node in line.other.get('nodes', ()):
        told = [node['lost'], node['gaps'], node['gap_ns']]
        assert told == here[node['name']], '%s: %s lost %s, in the table %s' % (
            what, node['name'], told, here[node['name']])


# ---- Messages, spawns and arrows

POINTS = {'message_send': 'send', 'message_receive': 'receive', 'process_spawn': 'spawn',
          'process_start': 'start'}
PEERS = {'message_send': 'to', 'message_receive': 'from', 'process_spawn': 'child',
         'process_start': 'parent'}


def same_text(drawn, told, row, what):
    """What is cut somewhere cannot be compared."""
    drawn, told = process(said(drawn)), process(told)
    if '...' not in drawn and '...' not in told:
        assert drawn == told, '%s: %s of %s: %r, in the table %r' % (
            what, row.event, row.pid, drawn, told)


def point_name(row):
    if 'nonexisting' in row.flags and row.event == 'message_send':
        return 'send to nobody'
    return 'receive timeout' if 'timeout' in row.flags else POINTS[row.event]


def of_points(rows, line, what, syntax):
    """The rows of messages and spawns, each with its slice: they are drawn as they come. They are
    given back by where their slice stands."""
    told = [r for r in rows if r.event in POINTS]
    for event, name in POINTS.items():
        here, drawn = (sum(n == name for n in found) for found in (
            (POINTS[r.event] for r in told), (s.name.split(' ')[0] for s in line.points)))
        assert here == drawn, '%s: %d of %s, %d in the table' % (what, drawn, name, here)
    latest, slices, place = collections.Counter(), iter(line.points), {}
    for row in rows:
        key = row.node, row.pid
        if line.started is not None:
            latest[key] = max(latest[key], row.ts - line.started)
        if row.event not in POINTS:
            continue
        s = next(slices)
        assert (s.node, s.name) == (row.node, point_name(row)), (what, s, row)
        assert s.pid == row.pid, '%s: %s of %s, in the table of %s' % (what, s.name, s.pid, row.pid)
        if line.started is not None:
            most = latest[key] + CLOSE + (BEND if row.flow else 0)
            assert row.ts - line.started - CLOSE < s.ts < most, '%s: %s of %s is drawn %d ns behind its place' % (
                what, s.name, row.pid, s.ts - row.ts + line.started)
            latest[key] = max(latest[key], s.ts)
        if syntax and PEERS[row.event] in s.args:
            same_text(s.args[PEERS[row.event]], row.peer, row, what)
        if syntax and 'message' in s.args:
            same_text(s.args['message'], row.message, row, what)
        place[s.track + (s.ts,)] = row
    return place


def of_arrows(line, place, what):
    """Each arrow leads from a row to the row with the same flow, and there is one for all of them."""
    drawn = set()
    for (cat, _), ends in line.arrows.items():
        assert [ph for ph, _ in ends] == ['s', 'f'], '%s: an arrow without an end: %s' % (what, ends)
        one, two = (place.get(at) for _, at in ends)
        assert one and two, '%s: an arrow that stands on no slice: %s' % (what, ends)
        wanted = ('process_spawn', 'process_start') if cat == 'spawn' else \
            ('message_send', 'message_receive')
        assert (one.event, two.event) == wanted, (what, one, two)
        assert one.flow == two.flow and (one.flow or one.peer == two.pid), \
            '%s: an arrow from %s to %s' % (what, one, two)
        drawn.add(one.flow)
    if line.other:
        assert line.other['arrows'] == len(line.arrows), (what, line.other['arrows'], len(line.arrows))
    sent = {r.flow: at[2] for at, r in place.items() if r.flow and r.event in ('message_send', 'process_spawn')}
    wanted = {r.flow for at, r in place.items() if r.event in ('message_receive', 'process_start') and
              sent.get(r.flow, at[2]) < at[2]}
    unknown = sum(r.event == 'process_spawn' and not r.flow for r in place.values())
    if sent and max(sent) - min(sent) < REMEMBERED:  # else one may have taken the place of another
        missing = wanted - drawn
        assert len(missing) <= unknown, '%s: %d arrows are not drawn, such as that of flow %d' % (
            what, len(missing), min(missing))


# ---- Calls

def drawn_calls(line):
    """Those whose rows are known by their name."""
    return ((s.node, s.pid, plain(s.name), s) for s in line.calls
            if not s.name.startswith('anonymous '))


def of_calls(rows, line, what, returned):
    """How many calls there were; and of those whose returns are traced, when each was and how long
    it took."""
    told = [r for r in rows if r.event == 'function_call']
    drawn = len(line.calls) + line.collapsed + line.deep
    assert drawn == len(told), '%s: %d calls (%d collapsed, %d too deep), %d in the table' % (
        what, drawn, line.collapsed, line.deep, len(told))
    if not line.collapsed and not line.deep:
        labels = ((r.node, r.pid, label_of(r.module, r.function, r.arity)) for r in told)
        here = collections.Counter(key for key in labels if key[2])
        there = collections.Counter(key[:3] for key in drawn_calls(line))
        assert here == there, '%s: calls %s, in the table %s' % (what, there - here, here - there)
    if returned and not line.deep:
        of_lengths(calls_of(rows, returned), line, what)


def of_lengths(calls, line, what):
    told, drawn = collections.defaultdict(list), collections.defaultdict(list)
    for (node, pid, name), found in calls.spans.items():
        if label := label_of(*name):
            told[node, pid, label] += found
    for node, pid, label, s in drawn_calls(line):
        if s.dur and 'end' not in s.args:
            drawn[node, pid, label].append((s.ts, s.dur))
    loops, off = {plain(name) for name in line.loops}, {label_of(*name) for _, name in calls.ever_off}
    for key in told.keys() | drawn.keys():
        one, two = told[key], drawn[key]
        if not one or key[2] in off:  # a call whose return is not traced is drawn as long as 1 ns
            one, two = ([span for span in found if span[1] > 1] for found in (one, two))
        if key[2] not in loops:
            near(one, two, line.started, '%s: %s in %s' % (what, key[2], key[1]))


def near(told, drawn, started, what):
    """When, and how long, in ns, as far as a track lets them."""
    assert len(told) == len(drawn), '%s: %d calls with a length in the table, %d in the timeline' % (
        what, len(told), len(drawn))
    for (began, length), (at, dur) in zip(sorted(told), sorted(drawn)):
        assert abs(dur - length) < CLOSE, '%s: %d ns in the table, %d ns in the timeline' % (
            what, length, dur)
        if started is not None:
            off = at - max(0, began - started)
            assert abs(off) < CLOSE, '%s: a call is drawn %d ns behind its place' % (what, off)


def of_timeline(rows, line, what, returned, syntax=True):
    """What the rows and a timeline both say. `returned`: whose calls have an end (story_files.py),
    None: not known; `syntax`: the two print terms in the same one."""
    of_losses(rows, line, what)
    if any('@' in row.pid for row in rows):  # made by hand: no node tells of another's processes
        return
    of_arrows(line, of_points(rows, line, what, syntax), what)
    of_calls(rows, line, what, returned)
