#!/usr/bin/env python3
"""test_manual.py: the manual pages and the completion are made from what the command says: each command and each flag of --help is in
the page and is completed, in bash and in zsh; so are plugins, their options, and configuration files.
"""
import glob, json, os, re, shutil, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get('BEAMTAP_BUILD', os.path.join(TOP, 'build', 'release'))
BEAMTAP = os.path.join(BUILD, 'beamtap')
MANUAL = os.path.join(TOP, 'config', 'manual')
work = tempfile.mkdtemp(prefix='beamtap-manual-')
env = dict(os.environ, PATH=BUILD + ':' + os.environ['PATH'], LC_ALL='C.UTF-8', HOME=work, TERM='dumb', MANWIDTH='100', PYTHONDONTWRITEBYTECODE='1')
env.pop('BEAMTAP_PLUGIN_PATH', None)


def run(*words, **more):
    done = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=work, **more)
    assert done.returncode == 0, '%s: exit code %d: %s' % (' '.join(words), done.returncode, done.stderr)
    return done.stdout


def wanted():
    """{command: {flag, ...}}: what --help says, read in another way than the pages read it."""
    usage = run(BEAMTAP, '--help')
    names = re.findall(r'^  beamtap (\w+) ', usage, re.M)
    assert len(names) >= 11, names
    flags = {n: set(re.findall(r'(?:^|[\s\[])(-o|--[a-z-]+)', run(BEAMTAP, n, '--help').split('\n')[0])) for n in names}
    assert {'--print-config', '--sink', '-o'} <= flags['trace'] and '--test' in flags['plugins'], flags
    return flags


def pages(name, section, *exporters):
    folder = tempfile.mkdtemp(dir=work)
    run(sys.executable, MANUAL + '/pages.py', BEAMTAP, '1.2.3', '2026-01-02', folder, *exporters)
    with open('%s/%s.%d' % (folder, name, section), encoding='utf-8') as f:
        return f.read()


def shown(roff):
    """As man shows it, plain; troff's warnings are mistakes."""
    done = subprocess.run(['groff', '-man', '-Tutf8', '-P-cbou', '-ww', '-Wbreak', '-rLL=100n'], input=roff.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=True)
    assert not done.stderr, done.stderr.decode()[:500]
    return done.stdout.decode()


def the_page_of_the_command_has_every_command_and_flag():
    text = shown(pages('beamtap', 1))
    assert 'beamtap - traces running Erlang and Elixir nodes' in text and 'beamtap 1.2.3' in text and '2026-01-02' in text
    for command, flags in wanted().items():
        part = text.split('   beamtap %s\n' % command)[1].split('\n   beamtap ')[0]
        words = re.findall(r'[-\w]+', part)
        assert not [f for f in flags if f not in words], (command, flags, part)
    for word in ('BEAMTAP_COOKIE', 'fail_on_loss', 'nohup', '/usr/local/lib/beamtap/plugins-v1'):
        assert word in text, word


def the_page_of_the_file_has_every_key():
    text = shown(pages('beamtap.ini', 5))
    for p in json.loads(run(BEAMTAP, 'plugins', 'session', '--json')) + json.loads(run(BEAMTAP, 'plugins', '--json')):
        head = '[session]' if p['kind'] == 'session' else '[%s:%s]' % (p['kind'], p['name'])
        part = re.split(r'\n   (?=\S)', text.split('\n   %s\n' % head)[1])[0]
        for o in p['options']:
            there = part if o['name'] not in ('queue', 'on_full', 'filters') else text
            assert re.search(r'^ +%s \(' % o['name'], there, re.M), (head, o['name'])
    assert "'$1'" in text and '-> return, caller' in text, 'code has lost a character'


def the_page_for_authors_has_the_example_whole():
    text = shown(pages('beamtap-plugin', 7))
    with open(os.path.join(TOP, 'plugins', 'README.md'), encoding='utf-8') as f:
        code = re.search(r'```c\n(/\* beamtap_sink_lines.*?)```', f.read(), re.S).group(1)
    page = {line.strip() for line in text.split('\n')}
    gone = [line for line in code.split('\n') if line.strip() and line.strip() not in page]
    assert not gone, gone


def an_exporter_has_a_page():
    text = shown(pages('beamtap-sink-folded', 7, 'folded'))
    assert re.search(r'weight \(time \| calls, default time\)', text) and '[sink:folded]' in text, text


def what_a_page_names_is_installed_with_it():
    """Each manual page and each file that it sends its reader to; or it says that it is in the sources."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        sinks = [p['name'] for p in json.loads(run(BEAMTAP, 'plugins', '--json')) if p['kind'] == 'sink']
        run(sys.executable, MANUAL + '/pages.py', BEAMTAP, '1.2.3', '2026-01-02', folder,
            *(s for s in sinks if os.path.exists('%s/plugins/sinks/%s/package' % (TOP, s))))
        texts = {name: open(os.path.join(folder, name), encoding='utf-8').read().replace('\\-', '-') for name in os.listdir(folder)}
    assert len(texts) > 5, texts.keys()
    named = [(name, '%s.%s' % page) for name, text in texts.items() for page in re.findall(r'\\fB([\w.-]+)\\fR\((\d)\)', text)]
    assert len(named) > 2 * len(texts) - 2 and not [n for n in named if n[1] not in texts], [n for n in named if n[1] not in texts]
    here = {'beamtap/' + os.path.relpath(p, TOP) for p in glob.glob(TOP + '/config/*.ini')} | {'beamtap/' + os.path.basename(p) for p in
                                                                                              glob.glob(TOP + '/plugins/sinks/*/*.proto')} | {'beamtap/template'}
    for name, text in texts.items():
        assert not set(re.findall(r'share/(beamtap/[\w./-]+\w)', text)) - here, name
        assert not re.search(r"\w\.md\b(?! \(in beamtap\\\(aqs sources\))", text), (name, re.findall(r'.*\w\.md\b.*', text))


def what_troff_could_mistake_stays_as_it_is():
    sys.path.insert(0, MANUAL)
    from roff import page
    text = page('x', 7, 'd', 's', "# T\n\n`.a\\n` '`x`' **b** a_b_c\n.dot [l](x.md) [m](https://e.org) \\| p\n\n- one\n  more\n- two\n\n```\n.so x\n'q\\\n\n-- ^~\n```\n\n"
                '| k | v | meaning |\n| --- | --- | --- |\n| `a` | x \\| y | is `\\|` |\n')
    flat = re.sub(r'\s+', ' ', shown(text))
    for want in (".a\\n ’x’".replace('’', "'"), 'a_b_c .dot l m (https://e.org) | p', '• one more • two', ".so x 'q\\ -- ^~", 'a (x | y) is |'):
        assert want in flat, (want, flat)


# ---- Completion

def script():
    if not os.path.exists(work + '/_beamtap'):
        run(sys.executable, MANUAL + '/completion.py', BEAMTAP, work)
        for name in ('calls.ini', 'other.txt', 'my calls.ini'):
            open(os.path.join(work, name), 'w').close()
        os.mkdir(work + '/folder')


def bash(line):
    """What is offered, and put together as readline does it: behind the last word break."""
    script()
    text = run('bash', '--norc', '-c', '. ./beamtap; COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDBREAKS=$\' \\t\\n"\\\'@><=;|&(:\'; _beamtap; printf "%s\\n" "${COMPREPLY[@]}"',
               'x', line)
    return [word for word in text.split('\n') if word]


# What a completion adds goes into a file, as does that it has come to its end; the terminal's own text is of no use.
ZSH_INSIDE = r'''
PROMPT= fpath=($PWD $fpath)
autoload -U compinit
compinit -u -d $PWD/zdump
bindkey '^I' complete-word
compadd() {
    local -a found
    if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
        builtin compadd -A found "$@"
        print -rl -- $found >>$HITS
    fi
    builtin compadd "$@"
}
ended() { compstate[list]= compstate[insert]=; print END >>$HITS }
comppostfuncs=(ended)
print READY >>$HITS
'''
ZSH = r'''
zmodload zsh/zpty
until_it_says() { while ! grep -qx $1 $HITS 2>/dev/null; do zpty -r -t z line 2>/dev/null || sleep 0.01; done }
zpty -b z zsh -f -i
zpty -w z 'source ./inside.zsh'
until_it_says READY
zpty -w -n z "$1"$'\t'
until_it_says END
zpty -d z
'''


def zsh(line):
    script()
    hits = tempfile.mktemp(dir=work)
    with open(work + '/inside.zsh', 'w') as f:
        f.write(ZSH_INSIDE)
    env['HITS'] = hits
    run('zsh', '-f', '-c', ZSH, 'x', line, timeout=60)
    with open(hits) as f:
        return [word for word in f.read().split('\n') if word not in ('', 'END', 'READY')]


def completes(shell):
    flags = wanted()
    assert set(flags) <= set(shell('beamtap ')) and 'trace' in shell('beamtap tr'), shell('beamtap ')
    for command, some in flags.items():
        offered = set(shell('beamtap %s -' % command))
        assert {f.rstrip('=') for f in some} <= {f.rstrip('=') for f in offered}, (command, some, offered)


def offers(shell):
    plugins = {p['kind'] + ':' + p['name'] for p in json.loads(run(BEAMTAP, 'plugins', '--json'))}
    assert plugins <= set(shell('beamtap plugins ')), shell('beamtap plugins ')
    assert {'calls.ini', 'folder'} <= {w.rstrip('/') for w in shell('beamtap run ')} and 'other.txt' not in shell('beamtap run '), shell('beamtap run ')
    assert {p.split(':')[1] + ':' for p in plugins if p.startswith('sink:')} <= set(shell('beamtap trace x y --sink ')), shell('beamtap trace x y --sink ')
    assert {'path=', 'columns='} <= set(shell('beamtap export x.btf --sink csv:')), shell('beamtap export x.btf --sink csv:')
    assert ['max_rate='] == [w.split('.')[-1] for w in shell('beamtap run x.ini --set session.max_ra')], shell('beamtap run x.ini --set session.max_ra')
    assert {'fast', 'real'} <= set(shell('beamtap export x --pace ')), shell('beamtap export x --pace ')
    assert 'gc_start' in shell('beamtap trace --events '), shell('beamtap trace --events ')


def bash_completes_every_command_and_flag():
    completes(bash)


def bash_offers_what_there_is():
    offers(bash)
    assert bash('beamtap plugins sink:cs') == ['csv'] and bash('beamtap plugins --test sink:cs') == ['csv']
    assert bash('beamtap trace x --sink csv:pa') == ['path=']
    assert bash('beamtap trace x --sink csv:path=oth') == ['other.txt'] and bash('beamtap run ca') == ['calls.ini']
    assert bash('beamtap trace --events gc_start,gc_e') == ['gc_start,gc_end']
    assert bash('beamtap run my') == ['my calls.ini']


def zsh_completes_every_command_and_flag():
    completes(zsh)


def zsh_offers_what_there_is():
    offers(zsh)


def main():
    failed = 0
    tests = [the_page_of_the_command_has_every_command_and_flag, the_page_of_the_file_has_every_key, the_page_for_authors_has_the_example_whole,
             an_exporter_has_a_page, what_a_page_names_is_installed_with_it, what_troff_could_mistake_stays_as_it_is, bash_completes_every_command_and_flag, bash_offers_what_there_is]
    if shutil.which('zsh'):
        tests += [zsh_completes_every_command_and_flag, zsh_offers_what_there_is]
    else:
        print('# skipped: no zsh here')
    try:
        for test in tests:
            try:
                test()
                print('ok manual.' + test.__name__, flush=True)
            except Exception as why:
                print('not ok manual.%s: %s' % (test.__name__, str(why).replace('\n', '\n    ')[:3000]), flush=True)
                failed += 1
    finally:
        shutil.rmtree(work)
    return 1 if failed else 0


sys.exit(main())
