"""What a summary and a page say, held against the rows of a table: how many events of each kind, the losses by node and reason, which
calls there were and how long they took."""
import collections, json, re
from story_calls import PARTS, calls_of, is_gap
from story_files import CONTROL
from story_timeline import by_label, plain


def kinds(rows):
    return collections.Counter(row.event for row in rows if row.event not in CONTROL)


UNITS = {'us': 1000, 'ms': 1000000, 's': 1000000000}


def losses(rows):
    """node: {reason: [events, ns]}"""
    found = collections.defaultdict(dict)
    for r in rows:
        if r.event == 'lost' or is_gap(r):
            one = found[r.node].setdefault(r.reason, [0, 0])
            one[r.event == 'gap'] += r.count
    return found


KEYS = {'credit': 'max_memory', 'memory': 'max_memory', 'queue': 'max_queue', 'rate': 'max_rate', 'term': 'max_term',
        'limit': 'max_events', 'keep': 'keep_memory'}  # tap_reason_key


def of_summary(rows, text, what, returned):
    """What the rows and a summary both say."""
    count = kinds(rows)
    first = re.match(r'(\d+) events in ([\d.]+) s: (\d+) calls, (\d+) exceptions, (\d+) messages sent, (\d+) received, '
                     r'(\d+) processes begun, (\d+) ended\n', text)
    calls = calls_of(rows, returned)
    profile = re.match(r'(\d+) calls of (\d+) functions.*, as the VM counted\n', text)
    if profile:
        functions = {(r.module, r.function, r.arity) for r in rows if r.event == 'function_counters'}
        assert int(profile[2]) == len(functions), '%s: %s functions, in the table %d' % (what, profile[2], len(functions))
    else:
        assert first, text[:200]
        told = [int(first[1])] + [int(n) for n in first.groups()[2:]]
        here = [sum(count.values()), count['function_call'], calls.exceptions, count['message_send'], count['message_receive'],
                count['process_start'], count['process_exit']]
        assert told == here, '%s: %s, in the table %s' % (what, told, here)
    lost_in_summary(rows, text, what)
    if returned and not profile:
        times_in_summary(calls, text, what)


def lost_in_summary(rows, text, what):
    told = {n: (int(events), float(seconds), set(keys.split(', ')) if keys else set()) for n, events, seconds, keys in
            re.findall(r'^Lost in (\S+): (\d+) events; not traced for ([\d.]+) s(?:; limited by (.*))?$', text, re.M)}
    here = {node: by for node, by in losses(rows).items() if any(map(any, by.values()))}
    assert told.keys() == here.keys(), (what, told, here)
    for node, by in here.items():
        events, off = (sum(one[i] for one in by.values()) for i in (0, 1))
        keys = {KEYS[reason] for reason, one in by.items() if any(one) and reason in KEYS}
        assert told[node][0] == events and abs(told[node][1] - off / 1e9) < 0.0011 and told[node][2] == keys, (
            what, node, told[node], by)


def times_in_summary(calls, text, what):
    number, total, own = (by_label(figures, int) for figures in (calls.count, calls.total, calls.own))
    every = by_label(calls.every, list)
    for line in re.findall(r'^ *(\d+)((?: +[\d.]+ (?:us|ms|s)){6})  (\S.*)$', text, re.M):
        name, shown = plain(line[2]), re.findall(r'([\d.]+) (us|ms|s)', line[1])
        if name.startswith('anonymous '):
            continue
        assert int(line[0]) == number[name], '%s: %s calls of %s, %d in the table' % (what, line[0], name, number[name])
        lengths = sorted(every[name]) or [0]
        here = [total[name], own[name]] + [lengths[-(-len(lengths) * p // 100) - 1] for p in (50, 95, 99, 100)]
        for n, ((number_shown, unit), want) in enumerate(zip(shown, here)):
            off_by = abs(float(number_shown) * UNITS[unit] - want)
            most = 0.051 * UNITS[unit] + (want / 50 if 2 <= n <= 4 else 0)  # percentiles are of steps
            assert off_by <= most, '%s: %s has %s %s as its time number %d, in the table %d ns' % (
                what, name, number_shown, unit, n, want)


def of_page(rows, text, what, returned):
    """What the rows and a page both say."""
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])
    calls, count = calls_of(rows, returned), {kind: n for kind, n in kinds(rows).items() if n}
    assert data['kinds'] == count and data['events'] == sum(count.values()), (what, data['kinds'], count)
    assert data['raised'] == calls.exceptions, '%s: %d exceptions, %d in the table' % (what, data['raised'], calls.exceptions)
    here = losses(rows)
    for node in data['nodes']:
        told = {reason: [events, off] for reason, events, off, key in node['missing'] if reason not in PARTS}
        wanted = {reason: one for reason, one in here[node['name']].items() if any(one)}
        assert told == wanted, '%s: %s lost %s, in the table %s' % (what, node['name'], told, wanted)
        sums = [sum(one[i] for one in wanted.values()) for i in (0, 1)]
        assert [node['lost'], node['gap']] == sums, '%s: %s, in the table %s' % (what, node, sums)
    names = {node['n']: node['name'] for node in data['nodes']}
    gaps = [(names[n], length, why) for n, _, length, why in data['gaps']]
    told = [(r.node, r.count, r.reason) for r in rows if is_gap(r)]
    assert gaps == told[:len(gaps)] and len(gaps) + data['left_out']['gaps'] == len(told), (what, gaps, told)
    sent = sum(r[2] for r in data['pairs']) + data['pair_messages_left'] + data['left_out']['pairs']
    assert sent <= count.get('message_send', 0), '%s: %d messages of pairs, %s in the table' % (what, sent, count)
    number, total, own, every = (by_label(f, list if f is calls.every else int) for f in (calls.count, calls.total, calls.own, calls.every))
    shown = collections.defaultdict(lambda: [0] * 5)
    for f in (f for f in data['functions'][1:] if not f[0].startswith('anonymous ')):
        row = shown[plain(f[0])]
        row[:] = [row[0] + f[1], row[1] + f[2], row[2] + f[3], row[3] + f[6], max(row[4], f[10])]
    assert data['function_count'] + 1 > len(data['functions']) or {n: r[0] for n, r in shown.items()} == number, (what, shown, number)
    for name, (n, *rest) in shown.items() if returned else ():
        here = [total[name], own[name], len(every[name]), max(every[name], default=0)]
        assert rest == here, '%s: %s has total, own, times and longest %s, in the table %s' % (what, name, rest, here)
