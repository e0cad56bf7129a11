"""What a run wrote, as story.py looks at it: which outputs there are, by the configuration, and their rows."""
import collections, csv, gzip, json, os, re

csv.field_size_limit(1 << 28)
CONTROL = ('node_up', 'node_down', 'gap', 'lost', 'returns_off', 'mark')

Row = collections.namedtuple('Row', 'ts node event pid module function arity peer flow count reason flags')


# ---- Which outputs there are

class Output:
    def __init__(self, name, plugin, path, options):
        self.name, self.plugin, self.path, self.options = name, plugin, path, options

    def __str__(self):
        return '%s (%s)' % (self.name, os.path.basename(self.path))


def settings(text, args):
    """{section: {key: value}} of an INI file and of --set; enough of it for what is looked at here."""
    found, section, key = collections.defaultdict(dict), None, None
    for line in text.splitlines():
        if begins := re.match(r'\s*\[([^\]]*)\]', line):
            section = begins[1]
        elif pair := re.match(r'([\w.]+)\s*=\s*(.*?)\s*(\s;.*)?$', line):
            key = pair[1]
            found[section][key] = pair[2]
    for word in args:
        if pair := re.match(r'(?:--set=)?([\w:]+)\.(\w+)=(.*)$', word):
            found[pair[1]][pair[2]] = pair[3]
    return found


def of_command_line(args):
    """[sink] sections of --sink NAME:KEY=VALUE,..."""
    found = {}
    for before, word in zip(('',) + args, args):
        if before == '--sink' or word.startswith('--sink='):
            name, _, rest = word.removeprefix('--sink=').partition(':')
            found['sink:' + name] = dict(re.findall(r'(\w+)=((?:[^,]|,(?!\w+=))*)', rest))
    return found


def outputs(config, folder):
    found = []
    for section, keys in config.items():
        path = os.path.join(folder, keys.get('path', '-'))
        name = section.removeprefix('sink:')
        if section.startswith('sink:') and os.path.isfile(path) and not os.path.islink(path):
            found.append(Output(name, keys.get('plugin', name), path, keys))
    return found


# ---- Reading

def opened(path):
    with open(path, 'rb') as f:
        packed = f.read(2) == b'\x1f\x8b'
    return gzip.open(path, 'rt', newline='', encoding='utf-8') if packed else open(path, newline='', encoding='utf-8')


def number(text):
    return int(text) if text not in (None, '') else 0


def read_csv(path):
    with opened(path) as f:
        table = csv.reader(f)
        columns = next(table, None)
        if not columns or not {'ts', 'event'} <= set(columns):
            return
        place = [columns.index(c) if c in columns else None
                 for c in ('ts', 'node', 'event', 'pid', 'module', 'function', 'arity', 'peer', 'flow', 'message', 'metadata')]
        for cells in table:
            assert len(cells) == len(columns), 'a row of %d cells, not %d: %s' % (len(cells), len(columns), cells)
            ts, node, event, pid, module, function, arity, peer, flow, message, metadata = (
                None if at is None else cells[at] for at in place)
            count, reason = 0, None
            if event in ('gap', 'lost') and message:
                count, reason = re.match(r'\{(\d+),(\w+)\}', message).groups()
            elif event == 'function_exception':
                reason = message
            yield Row(int(ts), bare(node), event, pid or '', bare(module), bare(function), number(arity) if arity else -1,
                      peer or '', number(flow), int(count), reason, flags_of(metadata))


def bare(name):
    """An atom as a name: csv writes it as Erlang does, JSON lines bare."""
    return re.sub(r'\\(.)', r'\1', name[1:-1]) if name and name[0] == "'" else name or ''


WORDS = {'timeout', 'nonexisting', 'exiting', 'major', 'got', 'moved', 'tail'}


def flags_of(metadata):
    """The flags stand behind what a user's match spec said."""
    found = set()
    for word in reversed(re.sub(r'(^| )stack(_truncated)?=.*$', '', metadata or '', flags=re.S).split(' ')):
        if word in WORDS:
            found.add(word)
        elif not re.match(r'(call|cast|reply|(took|scheduler|truncated)=\d+)$', word):
            break
    return frozenset(found)


def read_lines(path):
    with opened(path) as f:
        for line in f:
            e = json.loads(line)
            yield Row(int(e['ts']), e.get('node'), e['event'], e.get('pid', ''), e.get('module', ''), e.get('function', ''),
                      e.get('arity', -1), e.get('peer', ''), e.get('flow', 0), e.get('count', 0),
                      e.get('reason') if e['event'] in ('gap', 'lost') else
                      e.get('message', '') if e['event'] == 'function_exception' else None, frozenset(e.get('flags', ())))


def of_order(row):
    return row.ts, row.node, row.event, row.count, row.reason, 'moved' in row.flags


def order_of_csv(path):
    """What in_order looks at, of a large table, without the rest."""
    with opened(path) as f:
        table = csv.reader(f)
        columns = next(table, [])
        if not {'ts', 'event'} <= set(columns):
            return
        ts, event = columns.index('ts'), columns.index('event')
        node = columns.index('node') if 'node' in columns else ts + 1
        message = columns.index('message') if 'message' in columns else None
        metadata = columns.index('metadata') if 'metadata' in columns else node
        for cells in table:
            kind, count, reason = cells[event], 0, None
            if kind in CONTROL and message is not None and (told := re.match(r'\{(\d+),(\w+)\}', cells[message])):
                count, reason = int(told[1]), told[2]
            yield int(cells[ts]), cells[node], kind, count, reason, 'moved' in cells[metadata]
