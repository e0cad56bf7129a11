"""What a run wrote, as story.py looks at it: which outputs there are, by its command line and its
configuration, and their rows."""
import collections, csv, gzip, json, os, re, subprocess

csv.field_size_limit(1 << 28)
CONTROL = ('node_up', 'node_down', 'gap', 'lost', 'returns_off', 'mark')

# `message` and `remarks` are what csv has in the columns message and metadata.
Row = collections.namedtuple('Row', 'ts node event pid module function arity peer flow count '
                                    'reason flags message remarks')


# ---- Which outputs there are

class Output:
    def __init__(self, name, plugin, path, options):
        self.name, self.plugin, self.path, self.options = name, plugin, path, options

    def __str__(self):
        return '%s (%s)' % (self.name, os.path.basename(self.path))

    __repr__ = __str__

    def syntax(self):
        return self.options.get('syntax', 'erlang')

    def is_table(self):
        return self.plugin == 'csv' or self.plugin == 'stdout' and self.options.get('format') == 'json'


def settings(text, args):
    """{section: {key: value}} of an INI file and of --set; enough of it for what is looked at here.
    What stands once a line of several (trace, spec) has a line for each."""
    found, section = collections.defaultdict(dict), None
    for line in text.splitlines():
        if begins := re.match(r'\s*\[([^\]]*)\]', line):
            section = begins[1]
        elif pair := re.match(r'([\w.]+)\s*=\s*(.*?)\s*(\s;.*)?$', line):
            many = found[section].get(pair[1]) if pair[1] in ('trace', 'spec') else None
            found[section][pair[1]] = pair[2] if many is None else many + '\n' + pair[2]
    for word in args:
        if pair := re.match(r'(?:--set=)?([\w:]+)\.(\w+)=(.*)$', word):
            found[pair[1]][pair[2]] = pair[3]
    return found


ENDINGS = {'csv': {'plugin': 'csv'}, 'json': {'plugin': 'chrome'}, 'html': {'plugin': 'html'},
           'jsonl': {'plugin': 'stdout', 'format': 'json'}, 'txt': {'plugin': 'stdout'},
           'btf': {'plugin': 'record'}}


def of_command_line(args):
    """[sink] sections of --sink NAME:KEY=VALUE,... and of -o FILE, named as beamtap names them."""
    asked, files = [], []
    for before, word in zip(('',) + args, args):
        if before == '--sink' or word.startswith('--sink='):
            name, _, rest = word.removeprefix('--sink=').partition(':')
            asked.append(dict(re.findall(r'(\w+)=((?:[^,]|,(?!\w+=))*)', rest), plugin=name))
        elif before == '-o' or word.startswith('-o='):
            file = word.removeprefix('-o=')
            ending = ENDINGS.get(re.sub(r'\.gz$', '', file).rpartition('.')[2])
            files += [dict(ending, path=file)] if ending else []
    found, times = {}, collections.Counter()
    for section in asked + files:
        times[section['plugin']] += 1
        n = times[section['plugin']]
        found['sink:' + section['plugin'] + ('_%d' % n if n > 1 else '')] = section
    return found


def configuration(line, folder):
    """What a beamtap's command line asks for, see settings."""
    args = tuple(line[2:])
    if line[1] == 'run' and args:
        with open(os.path.join(folder, args[0]), encoding='utf-8', errors='replace') as f:
            return settings(f.read(), args[1:])
    if line[1] in ('trace', 'profile'):  # which print the file that they stand for
        told = subprocess.run([*line, '--print-config'], cwd=folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return settings(told.stdout.decode('utf-8', 'replace'), ())
    config = settings('', args)
    for section, keys in of_command_line(args).items():
        config[section] = dict(keys, **config.get(section, {}))
    return config


WRITERS = ('csv', 'stdout', 'chrome', 'summary', 'html', 'record')  # what is looked at here


def outputs(config, folder, captured=False):
    """`captured`: standard output is the file stdout in the folder, and the sinks' alone."""
    found = []
    for section, keys in config.items():
        name = section.removeprefix('sink:')
        plugin, path = keys.get('plugin', name), keys.get('path', '-')
        if not section.startswith('sink:') or plugin not in WRITERS or path == '-' and not captured:
            continue
        path = os.path.join(folder, 'stdout' if path == '-' else path)
        if os.path.isfile(path) and not os.path.islink(path):
            found.append(Output(name, plugin, path, keys))
    once = collections.Counter(output.path for output in found)
    return [output for output in found if once[output.path] == 1]


# ---- Whose returns were traced

def matcher(text):
    """Of a pattern of trace =, or the function of spec =: (module, function or None, arity or None),
    the module as a regular expression."""
    text = text.strip()
    head = re.split(r'\(|\s+when\s|\s*->|\[\{', text, maxsplit=1)[0].strip()
    name, _, arity = head.partition('/')
    if not text[len(head):].lstrip().startswith('('):
        arity = int(arity) if arity.strip().isdigit() else None
    else:
        arity = arguments(text[text.index('('):])
    if name[:1] == ':':
        module, _, function = name[1:].partition('.')
    elif name[:1].isupper():
        whole = re.match(r'((?:[A-Z*]\w*\.?)+?)(?:\.([a-z_]\S*))?$', name)
        module, function = ('Elixir.' + whole[1], whole[2]) if whole else (name, None)
    else:
        module, _, function = name.partition(':')
    module, function = (part.strip(" '") if part else None for part in (module, function))
    return re.escape(module or '*').replace(r'\*', '.*'), function or None, arity


def arguments(text):
    """How many arguments stand between the parenthesis that it begins with and that one's end."""
    depth, commas, empty = 0, 0, True
    for c in re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])*\'', 'x', text):
        if depth == 1 and c == ')':
            break
        depth += (c in '([{') - (c in ')]}')
        commas += depth == 1 and c == ','
        empty &= depth <= 1 and c in '( '
    return 0 if empty else commas + 1


def whose_returns(config):
    """Whose calls have an end in the rows: asked by (module, function, arity). None: nobody's, or it
    is not known; of all those whose exceptions are asked for the VM tells the returns as well."""
    if 'function_return' in config['session'].get('events', ''):
        return lambda name: True
    if 'function_exception' in config['session'].get('events', ''):
        return None
    found = []
    for section, keys in config.items():
        if not section.startswith('filter:'):
            continue
        for line in keys.get('trace', '').splitlines():
            if re.search(r'->[^"\']*\b(return|exception)\b', line):
                found.append(matcher(line))
        for line in keys.get('spec', '').splitlines():
            if re.search(r'return_trace|exception_trace', line):
                found.append(matcher(line))
    if not found:
        return None
    return lambda name: any(re.fullmatch(m, name[0]) and f in (None, name[1]) and a in (None, name[2])
                            for m, f, a in found)


# ---- Reading

def opened(path):
    with open(path, 'rb') as f:
        packed = f.read(2) == b'\x1f\x8b'
    if packed:
        return gzip.open(path, 'rt', newline='', encoding='utf-8')
    return open(path, newline='', encoding='utf-8')


def number(text):
    return int(text) if text not in (None, '') else 0


COLUMNS = ('ts', 'node', 'event', 'pid', 'module', 'function', 'arity', 'peer', 'flow', 'message',
           'metadata')


def read_csv(path):
    with opened(path) as f:
        table = csv.reader(f)
        columns = next(table, None)
        if not columns or not {'ts', 'event'} <= set(columns):
            return
        place = [columns.index(c) if c in columns else None for c in COLUMNS]
        for cells in table:
            assert len(cells) == len(columns), 'a row of %d cells, not %d: %s' % (
                len(cells), len(columns), cells)
            ts, node, event, pid, module, function, arity, peer, flow, message, metadata = (
                None if at is None else cells[at] for at in place)
            count, reason, message = 0, None, said(message or '')
            if event in ('gap', 'lost') and message:
                count, reason = re.match(r'\{(\d+),(\w+)\}', message).groups()
            elif event in ('function_exception', 'node_down'):
                reason = message
            yield Row(int(ts), bare(node), event, process(pid), bare(module), bare(function),
                      number(arity) if arity else -1, process(said(peer or '')), number(flow),
                      int(count), reason, flags_of(metadata), message, said(metadata or ''))


def bare(name):
    """An atom as a name: csv writes it as Erlang does, JSON lines bare."""
    return re.sub(r'\\(.)', r'\1', name[1:-1]) if name and name[0] == "'" else name or ''


def process(pid):
    return (pid or '').replace('#PID<', '<')


NUMBER = re.compile(r'\(\((-?[\d.eE+-]+)\)\)(?= |$)')
WORD = re.compile(r"'(\w+)'(?= |$)")


def said(text):
    """A printed term without what csv has around it so that no reader takes it for another: of a
    number, and of a word, whose quotes it may have elsewhere too."""
    if text[:1] not in "('":
        return text
    guarded = NUMBER.match(text) if text[:2] == '((' else WORD.match(text)
    return guarded[1] + text[guarded.end():] if guarded else text


WORDS = {'timeout', 'nonexisting', 'exiting', 'major', 'got', 'moved', 'tail'}
NUMBERED = re.compile(r'(call|cast|reply|(took|scheduler|truncated)=\d+)$')
STACK = re.compile(r'(^| )stack(_truncated)?=.*$', re.S)


def flags_of(metadata):
    """The flags stand behind what a user's match spec said."""
    found = set()
    if not metadata:
        return frozenset()
    for word in reversed(STACK.sub('', metadata).split(' ')):
        if word in WORDS:
            found.add(word)
        elif not NUMBERED.match(word):
            break
    return frozenset(found)


def message_of(e):
    """What csv has in its column message, of a line of JSON."""
    if e['event'] in ('gap', 'lost'):
        return '{%d,%s}' % (e['count'], e['reason'])
    if e['event'] == 'node_up':
        return 'OTP ' + e['release'] if e.get('release') else ''
    if e['event'] == 'node_down':
        return e.get('reason', '')
    if e['event'] == 'function_counters' and 'calls' in e:
        return '{%s,%s,%s}' % (e['calls'], e.get('time_ns', 'none'), e.get('bytes', 'none'))
    return said(e.get('message', ''))


def remarks_of(e):
    """The same of its column metadata."""
    found = [e['metadata']] if 'metadata' in e else []
    found += [flag for flag in e.get('flags', []) if flag != 'tail']
    if 'gen' in e:
        found.append(e['gen'] + (' took=%d' % e['took_ns'] if e['gen'] == 'reply' else ''))
    found += ['%s=%d' % (key, e[key]) for key in ('scheduler', 'truncated') if key in e]
    found += ['tail'] if 'tail' in e.get('flags', []) else []
    found += ['stack=' + ' < '.join(e['stack'])] if e.get('stack') else []
    found += ['stack_truncated=%d' % e['stack_truncated']] if 'stack_truncated' in e else []
    return said(' '.join(found))


def read_lines(path):
    with opened(path) as f:
        for line in f:
            e = json.loads(line)
            message = message_of(e)
            reason = e.get('reason') if e['event'] in ('gap', 'lost') else \
                message if e['event'] in ('function_exception', 'node_down') else None
            yield Row(int(e['ts']), e.get('node', ''), e['event'], process(e.get('pid')),
                      e.get('module', ''), e.get('function', ''), e.get('arity', -1),
                      process(said(e.get('peer', ''))), e.get('flow', 0), e.get('count', 0), reason,
                      frozenset(e.get('flags', ())), message, remarks_of(e))


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
        node = columns.index('node') if 'node' in columns else None
        message = columns.index('message') if 'message' in columns else None
        metadata = columns.index('metadata') if 'metadata' in columns else None
        for cells in table:
            kind, count, reason = cells[event], 0, None
            if kind in CONTROL and message is not None:
                if told := re.match(r'\{(\d+),(\w+)\}', cells[message]):
                    count, reason = int(told[1]), told[2]
            remarks = cells[metadata] if metadata is not None else ''
            moved = 'moved' in remarks and 'moved' in flags_of(remarks)
            yield int(cells[ts]), cells[node] if node is not None else '', kind, count, reason, moved
