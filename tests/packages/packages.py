#!/usr/bin/env python3
"""packages.py: the Debian packages, built, installed, used, upgraded, removed and purged in clean Debian folders (folder.py), and a sink
written and packaged there as plugins/README.md says. sh tests/run.sh --packages runs it. Its last line is "N passed, M failed".

    packages.py [--keep]      --keep: the folder in which all was installed is left, and named
"""
import concurrent.futures, glob, gzip, os, random, re, shutil, socket, subprocess, sys, tempfile, time, traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(TOP, 'config', 'debian')]
sys.dont_write_bytecode = True
import build
from folder import Cannot, base, builder

VERSION = build.version()
PACKAGES = ['beamtap', 'libbeamtap0', 'libbeamtap-dev', *map(build.package_of, build.exporters())]


def free_port():
    """One that nobody has, and below those that connections take by themselves."""
    while True:
        with socket.socket() as s:
            try:
                s.bind(('', random.randint(20000, 31999)))
                return str(s.getsockname()[1])
            except OSError:
                continue


NODE = {'ERL_EPMD_PORT': free_port(), 'BEAMTAP_COOKIE': 'packages%d' % random.randint(0, 10**9)}


class World:
    """What the tests hand on to each other: the folder in which packages are built, and the one in which they are used."""
    builder = used = node = None


w = World()


def debs(where, debug=False):
    return sorted(p for p in glob.glob(where + '/*.deb') if debug or '-dbgsym_' not in p)


# ---- Building

def build_in(place, **env):
    """Builds in a folder of that name; the packages are beside it."""
    build.write(w.builder.path + place + '/beamtap-' + VERSION)
    w.builder('dpkg-buildpackage', '-b', '-us', '-uc', '-j%d' % (os.cpu_count() or 1), cwd=place + '/beamtap-' + VERSION, **env)


def they_are_built_with_what_they_say_they_need():
    needed = build.fields(build.control())['Build-Depends']
    plain = [re.sub(r' \(.*\)|:any', '', d.strip()).replace('debhelper-compat', 'debhelper') for d in needed.split(',')]
    w.builder = builder(plain + ['build-essential', 'fakeroot', 'lintian']).copy()
    places = [('/build/one', {}), ('/build/another/place', {'TZ': 'Pacific/Auckland', 'LC_ALL': 'C', 'HOME': '/tmp'})]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for job in [pool.submit(build_in, place, **env) for place, env in places]:
            job.result()
    names = {os.path.basename(p).split('_')[0] for p in debs(w.builder.path + '/build/one')}
    assert names == set(PACKAGES), names


def they_are_the_same_wherever_they_are_built():
    one, other = (debs(w.builder.path + place, debug=True) for place in ('/build/one', '/build/another/place'))
    assert len(one) == len(other) > len(PACKAGES), (one, other)
    for a, b in zip(one, other):
        with open(a, 'rb') as x, open(b, 'rb') as y:
            assert x.read() == y.read(), os.path.basename(a) + ' differs'


def lintian(place):
    changes = glob.glob(w.builder.path + place + '/*.changes')
    text = w.builder('lintian', '--allow-root', '--fail-on', 'error,warning', *(p[len(w.builder.path):] for p in changes))
    assert len(changes) == 1 and not re.search(r'^[EW]:', text, re.M), text


def lintian_has_nothing_to_say():
    lintian('/build/one')


def programs_are_hardened_and_stripped():
    out = tempfile.mkdtemp(dir=w.builder.path + '/tmp')
    for deb in debs(w.builder.path + '/build/one'):
        subprocess.run(['dpkg-deb', '-x', deb, out], check=True)
    elf = [p for p in subprocess.run(['find', out, '-type', 'f', '(', '-name', '*.so*', '-o', '-path', '*/bin/*', ')'], stdout=subprocess.PIPE,
                                     text=True).stdout.split() if open(p, 'rb').read(4) == b'\x7fELF']
    assert len(elf) > 15, elf
    for path in elf:
        text = w.builder('readelf', '-dlSW', path[len(w.builder.path):])
        assert 'BIND_NOW' in text and 'GNU_RELRO' in text and '.debug_info' not in text and ' .symtab' not in text, path
        assert 'RPATH' not in text and 'RUNPATH' not in text and 'libbeamtap' not in re.sub(r'soname.*|libbeamtap.so.0.1', '', text), path
    assert b'/build/' not in b''.join(open(p, 'rb').read() for p in elf), 'the place is in them'


# ---- Using

def a_sentence(text, *words):
    assert all(word in text for word in words), (words, text[-2000:])


def they_are_installed_where_there_is_nothing():
    w.used = base().copy()
    os.makedirs(w.used.path + '/packages')
    for deb in debs(w.builder.path + '/build/one'):
        shutil.copy(deb, w.used.path + '/packages')
    w.used('apt-get', 'update', '-qq')
    w.used(shell='cd /packages; apt-get install ./beamtap_*.deb ./beamtap-sink-*.deb')
    listed = w.used('beamtap', 'plugins')
    for name in ['transport:dist', 'filter:match_spec', 'sink:csv', *('sink:' + e for e in build.exporters())]:
        assert re.search(r'^%s .*\n +/usr/lib/.*/beamtap/plugins-v1/' % name, listed, re.M), (name, listed)
    assert 'libbeamtap' not in w.used('dpkg-query', '-W', '-f', '${Package}\n'), 'the command needs no library of its own'
    there = w.used('dpkg', '-L', 'beamtap', *map(build.package_of, build.exporters()))
    for page in ['man1/beamtap.1.gz', 'man5/beamtap.ini.5.gz', *('man7/%s.7.gz' % build.package_of(e) for e in build.exporters())]:
        with gzip.open('%s/usr/share/man/%s' % (w.used.path, page), 'rt', encoding='utf-8') as text:
            assert text.read().startswith('.TH "'), page
        assert page in there, page
    for name in build.exporters():
        assert '/usr/share/doc/%s/copyright' % build.package_of(name) in there
    for ini in sorted(os.listdir(w.used.path + '/usr/share/doc/beamtap/examples/')):
        w.used('beamtap', 'check', '/usr/share/doc/beamtap/examples/' + ini)


def an_installed_command_is_completed():
    text = w.used(shell='bash -c \'. /usr/share/bash-completion/completions/beamtap; COMP_LINE="beamtap export x --sink fol" COMP_POINT=27; _beamtap; '
                        'echo "${COMPREPLY[@]}"\'')
    assert text.split() == ['folded:'], text
    assert os.path.exists(w.used.path + '/usr/share/zsh/vendor-completions/_beamtap')


def a_live_node_is_traced():
    w.used('apt-get', 'install', 'erlang-base')
    shutil.copytree(os.path.join(TOP, 'config', 'demo'), w.used.path + '/demo')
    w.used(shell='cd /demo; erlc *.erl')
    w.node = w.used.start('erl', '-noinput', '-sname', 'shop@web1', '-setcookie', NODE['BEAMTAP_COOKIE'], '-kernel', 'logger_level', 'none', '-pa',
                          '/demo', '-eval', 'demo:start(), io:put_chars("open\\n").', **NODE)
    while True:
        line = w.node.stdout.readline()
        assert line, 'the node did not start'
        if line.startswith('open'):
            break
    w.used(shell='mkdir -p /tmp/run; cd /tmp/run; beamtap trace shop@web1 "shop_cart" --for 2s -o trace.csv -o trace.json -o trace.html '
                 '--sink folded:path=calls.folded,weight=calls', **NODE)
    with open(w.used.path + '/tmp/run/trace.csv', encoding='utf-8') as text:
        assert sum(',function_call,' in line for line in text) > 5
    with open(w.used.path + '/tmp/run/calls.folded', encoding='utf-8') as text:
        assert re.match(r'shop_cart:\w+/\d+.* \d+$', text.readline())


def a_plugin_of_ones_own_stands_before_the_installed_one():
    w.used(shell='''for folder in /root/.local/lib /usr/local/lib; do
        mkdir -p $folder/beamtap/plugins-v1; cp /usr/lib/*/beamtap/plugins-v1/beamtap_sink_folded.so $folder/beamtap/plugins-v1; done''')
    text = w.used('beamtap', 'plugins')
    a_sentence(text, '/root/.local/lib/beamtap/plugins-v1/beamtap_sink_folded.so\n',
               '/usr/local/lib/beamtap/plugins-v1/beamtap_sink_folded.so is not used: /root/.local/lib/beamtap/plugins-v1/beamtap_sink_folded.so stands')
    assert re.search(r'/usr/lib/\S+/beamtap_sink_folded.so is not used: /root/', text), text
    w.used(shell='rm -r /root/.local /usr/local/lib/beamtap')


def steps():
    """The commands of "Write a sink", block by block, as the installed page has them."""
    with open(w.used.path + '/usr/share/doc/libbeamtap-dev/README.md', encoding='utf-8') as text:
        page = text.read()
    part = page.split('\n## Write a sink\n')[1].split('\n## ')[0]
    return re.findall(r'^```sh\n(.*?)^```', part, re.M | re.S)


def the_authors_page_leads_to_an_installed_package():
    first = re.search(r'```sh\n(apt-get install .*?)```', open(os.path.join(TOP, 'plugins/README.md'), encoding='utf-8').read(), re.S).group(1)
    w.used(shell='cd /packages\n' + first)
    blocks = steps()
    assert blocks[0] == first and len(blocks) >= 5, blocks
    script = 'set -x\ncd /packages\n' + ''.join(blocks[1:])
    text = w.used(shell=script, **NODE)
    a_sentence(text, 'nothing is wrong', 'ok: it writes what it should', 'how often each function was called')
    assert text.count('ok: it writes what it should') >= 3, 'make test runs when the package is built, too'
    assert re.search(r'^\d+ shop_\w+:\w+/\d$', text, re.M), text[-3000:]
    where = w.used('dpkg', '-L', 'beamtap-sink-tally')
    assert re.search(r'/usr/lib/.*/beamtap/plugins-v1/beamtap_sink_tally.so', where) and 'doc/beamtap-sink-tally/README.md' in where, where
    w.used(shell='cd /tmp/run; beamtap trace shop@web1 shop_cart --for 1s --sink tally:path=tally.txt', **NODE)
    os.makedirs(w.builder.path + '/tally')
    for path in glob.glob(w.used.path + '/packages/beamtap-sink-tally*_*'):
        shutil.copy(path, w.builder.path + '/tally')
    lintian('/tally')


def all_that_is_named_is_there():
    """Of the manual pages those that they name, and of the pages what they link to."""
    share = w.used.path + '/usr/share/'
    manual = {os.path.basename(p)[:-len('.gz')]: gzip.open(p, 'rt', encoding='utf-8').read().replace('\\-', '-')
              for p in glob.glob(share + 'man/man*/*beamtap*.gz')}
    assert len(manual) == 3 + len(build.exporters()), manual.keys()
    pages = {p: open(p, encoding='utf-8').read() for p in glob.glob(share + 'doc/*beamtap*/*.md')}
    assert len(pages) > 5, pages.keys()
    for name, text in manual.items():
        gone = [page for page in re.findall(r'\\fB([\w.-]+)\\fR\((\d)\)', text) if '%s.%s' % page not in manual]
        assert not gone, (name, gone)
    for name, text in pages.items():
        gone = [to for to in re.findall(r'\]\(([^):]+)\)', text) if not os.path.exists(os.path.join(os.path.dirname(name), to.split('#')[0]))]
        assert not gone, (name, gone)
    for name, text in {**manual, **pages}.items():
        gone = [path for path in re.findall(r'(?<![\w}])/usr/share/([\w./-]*\w)', text) if not os.path.exists(share + path)]
        assert not gone, (name, gone)


def a_program_uses_the_library():
    with open(os.path.join(TOP, 'plugins/README.md'), encoding='utf-8') as text:
        code = re.search(r'```c\n(/\* watch\.c.*?)```', text.read(), re.S).group(1)
    with open(w.used.path + '/tmp/run/watch.c', 'w', encoding='utf-8') as out:
        out.write(code)
    w.used(shell='cd /tmp/run; cc -Wall -Werror -o watch watch.c $(pkg-config --cflags --libs beamtap); ./watch shop@web1 shop_cart | grep shop_cart; '
                 'test -s watch.json; test "$(pkg-config --libs beamtap-plugin)" = ""; test -d "$(pkg-config --variable=plugindir beamtap-plugin)"', **NODE)


def they_are_upgraded():
    for deb in debs(w.used.path + '/packages'):
        if os.path.basename(deb).split('_')[0] not in PACKAGES:
            continue
        tree = tempfile.mkdtemp()
        subprocess.run(['dpkg-deb', '-R', deb, tree + '/x'], check=True)
        with open(tree + '/x/DEBIAN/control', encoding='utf-8') as file:
            text = re.sub(r'^(Version: .*)$', r'\1+1', file.read(), flags=re.M).replace('(= %s)' % VERSION, '(= %s+1)' % VERSION)
        with open(tree + '/x/DEBIAN/control', 'w', encoding='utf-8') as file:
            file.write(text)
        subprocess.run(['dpkg-deb', '--root-owner-group', '-b', tree + '/x', w.used.path + '/packages/next_' + os.path.basename(deb)], check=True,
                       stdout=subprocess.DEVNULL)
        shutil.rmtree(tree)
    w.used(shell='cd /packages; apt-get install ./next_*.deb')
    versions = dict(line.split() for line in w.used('dpkg-query', '-W', '-f', '${Package} ${Version}\n').splitlines())
    assert {versions[p] for p in PACKAGES} == {VERSION + '+1'}, versions
    w.used('beamtap', 'plugins', 'sink:tally')
    w.used(shell='cd /tmp/run; beamtap trace shop@web1 shop_cart --for 1s -o again.csv; grep -q function_call again.csv', **NODE)


def they_are_removed_and_purged():
    """One exporter by itself; then the command, with what depends on it; and nothing is left."""
    w.used('apt-get', 'remove', 'beamtap-sink-folded')
    text = w.used('beamtap', 'plugins')
    assert 'sink:folded' not in text and 'sink:tally' in text and 'sink:csv' in text, text
    w.used('apt-get', 'purge', 'beamtap')
    listed = w.used('dpkg-query', '-W', '-f', '${Package}\n').split()
    assert not [p for p in listed if 'beamtap' in p], listed
    left = w.used('find', '/', '-xdev', '-name', '*beamtap*', '-not', '-path', '/packages/*', '-not', '-path', '/proc/*', '-not', '-path', '/tmp/*')
    assert not left, left


TESTS = [they_are_built_with_what_they_say_they_need, they_are_the_same_wherever_they_are_built, lintian_has_nothing_to_say,
         programs_are_hardened_and_stripped, they_are_installed_where_there_is_nothing, an_installed_command_is_completed, a_live_node_is_traced,
         a_plugin_of_ones_own_stands_before_the_installed_one, the_authors_page_leads_to_an_installed_package, all_that_is_named_is_there, a_program_uses_the_library,
         they_are_upgraded, they_are_removed_and_purged]


def clean_up():
    if w.node:
        w.node.kill()
        w.node.wait()
    for folder in (w.builder, w.used):
        if folder and '--keep' not in sys.argv:
            folder.remove()
        elif folder:
            print('# kept: ' + folder.path)


def main():
    passed = failed = 0
    try:
        for test in TESTS:
            began = time.time()
            try:
                test()
                print('ok packages.%s (%.0f s)' % (test.__name__, time.time() - began), flush=True)
                passed += 1
            except Cannot:
                raise
            except Exception as why:
                told = str(why) or traceback.format_exc()
                print('not ok packages.%s: %s' % (test.__name__, told.replace('\n', '\n    ')), flush=True)
                failed += 1
                if test in TESTS[:1] + TESTS[4:5]:  # the others need it
                    break
    except Cannot as why:
        print('not ok packages: the clean folders cannot be had: %s' % why)
        failed += 1
    finally:
        clean_up()
    print('%d passed, %d failed' % (passed, failed))
    return 1 if failed or not passed else 0


sys.exit(main())
