#!/usr/bin/env python3
"""build.py: Debian packages of beamtap. `scons deb` calls it.

    build.py OUT            builds in OUT/beamtap-VERSION, and leaves the packages in OUT
    build.py OUT --only     writes that folder, with its debian/, and builds nothing

A sink whose folder has a file `package` is an exporter: a package of its own, called beamtap-sink-NAME, with its .so, its manual page
(made from its option table) and its README.md, where it has one. The file holds fields of debian/control: Description; Depends,
Suggests, ... where it needs more than its libraries; Build-Depends, beside what its needs.json names.
"""
import calendar, email.utils, glob, json, os, re, shutil, subprocess, sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, 'config', 'manual'))
from places import as_installed, package_of, places
PLUGINS = 'usr/lib/*/beamtap/plugins-v%s/'
TREE = ('core', 'plugins', 'config', 'SConstruct', 'README.md', 'LICENSE')
COMMON = ['gcc', 'scons', 'python3:any', 'erlang-base', 'erlang-dev', 'libinih-dev', 'libcjson-dev', 'zlib1g-dev', 'libzstd-dev']


def read(path):
    with open(os.path.join(TOP, path), encoding='utf-8') as file:
        return file.read()


def abi():
    return re.search(r'#define TAP_ABI_MAJOR (\d+)', read('core/include/beamtap/plugin.h')).group(1)


def version():
    return re.match(r'beamtap \(([^)]+)\)', read('config/debian/changelog')).group(1)


def released():
    """The seconds at which the changelog says that this version was made."""
    return calendar.timegm(email.utils.parsedate(re.search(r'^ -- .*>  (.*)$', read('config/debian/changelog'), re.M).group(1)))


def fields(text):
    """The fields of a stanza: {name: value, with its further lines}."""
    return dict(re.findall(r'^([A-Z][\w-]*): *(.*(?:\n[ \t].*)*)', text, re.M))


def exporters():
    """{sink: the fields of its file `package`}"""
    found = {}
    for path in sorted(glob.glob(os.path.join(TOP, 'plugins/sinks/*/package'))):
        found[os.path.basename(os.path.dirname(path))] = fields(read(path))
    return found


def needs():
    """The packages of the libraries that plugins need beside the usual ones: their folders' needs.json."""
    return [n['package'] for path in sorted(glob.glob(os.path.join(TOP, 'plugins/*s/*/needs.json'))) for n in json.loads(read(path))]


def stanza(name, given):
    own = {'Package': package_of(name), 'Architecture': 'any',
           'Depends': 'beamtap-plugin-abi-%s, ${misc:Depends}, ${shlibs:Depends}' % abi(), 'Enhances': 'beamtap'}
    for field, value in given.items():
        if field != 'Build-Depends':
            own[field] = own[field] + ', ' + value if field in ('Depends', 'Enhances') else value
    description = own.pop('Description').rstrip() + '\n .\n This is the sink %s of beamtap, which traces running nodes.' % name
    return '\n' + ''.join('%s: %s\n' % pair for pair in own.items()) + 'Description: %s\n' % description


def control():
    found = exporters()
    needed = COMMON + needs() + [d.strip() for given in found.values() for d in given.get('Build-Depends', '').split(',') if d.strip()]
    text = read('config/debian/control').replace('<exporters>', ', '.join(dict.fromkeys(needed))).replace('<abi>', abi())
    return text + ''.join(stanza(name, given) for name, given in found.items())


def pages():
    """The pages with their links as they lead when they are installed: {file of debian/: its text}, {package: its files}"""
    known, texts, lists = places(TOP), {}, {}
    for source, place in sorted(known.items()):
        if source.endswith('.md'):
            path = 'pages/%s/%s' % place[:2]
            texts[path] = as_installed(read(source), source, known)
            lists.setdefault(place.package + '.docs', []).append('debian/' + path)
    return texts, lists


def files():
    """Which file goes into which package: {file of debian/: its lines}."""
    plugins, apart = PLUGINS % abi(), exporters()
    names = [p.split('/')[-3:-1] for p in sorted(glob.glob(os.path.join(TOP, 'plugins/*s/*/plugin.c')))]
    own = [plugins + 'beamtap_%s_%s.so' % (kind[:-1], name) for kind, name in names if (kind, name) not in [('sinks', a) for a in apart]]
    lists = {
        'beamtap.install': ['usr/bin/beamtap', 'usr/lib/*/beamtap/native', *own, 'usr/share/beamtap/config', 'usr/share/man/man1',
                            'usr/share/man/man5', 'usr/share/man/man7/beamtap-plugin.7', 'usr/share/bash-completion', 'usr/share/zsh'],
        'beamtap.links': ['usr/share/beamtap/config usr/share/doc/beamtap/examples'],
        'libbeamtap0.install': ['usr/lib/*/libbeamtap.so.*'],
        'libbeamtap-dev.install': ['usr/include', 'usr/lib/*/*.a', 'usr/lib/*/libbeamtap.so', 'usr/lib/*/pkgconfig', 'usr/share/beamtap/template'],
        **pages()[1],
    }
    for name in apart:
        package = package_of(name)
        beside = [os.path.basename(p) for p in glob.glob(os.path.join(TOP, 'plugins/sinks/%s/*.proto' % name))]
        lists[package + '.install'] = [plugins + 'beamtap_sink_%s.so' % name, 'usr/share/man/man7/%s.7' % package,
                                       *('usr/share/beamtap/' + file for file in beside)]
    return lists


def write(folder):
    """The tree that the packages are built from: what git knows, where it is asked, and debian/."""
    listed = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard', *TREE], cwd=TOP, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)
    paths = [p for p in listed.stdout.decode().split('\0') if p] if listed.returncode == 0 else None
    if paths is None:
        paths = [os.path.relpath(os.path.join(d, f), TOP) for t in TREE for d, _, names in os.walk(os.path.join(TOP, t)) for f in names]
        paths += [t for t in TREE if os.path.isfile(os.path.join(TOP, t))]
    shutil.rmtree(folder, ignore_errors=True)
    for path in paths:
        if os.path.isfile(os.path.join(TOP, path)):
            to = os.path.join(folder, path)
            os.makedirs(os.path.dirname(to), exist_ok=True)
            shutil.copy2(os.path.join(TOP, path), to)
    shutil.copytree(HERE, folder + '/debian', ignore=shutil.ignore_patterns('*.py', '__pycache__'))
    texts = {name: text.rstrip('\n').split('\n') for name, text in pages()[0].items()}
    for name, lines in {'control': [control().rstrip('\n')], 'source/format': ['3.0 (native)'], **files(), **texts}.items():
        path = os.path.join(folder, 'debian', name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write('\n'.join(lines) + '\n')
    for where, _, names in os.walk(folder):  # a file's time is in the package, too
        for name in names:
            os.utime(os.path.join(where, name), (released(), released()))


def main():
    out = os.path.abspath(sys.argv[1])
    folder = os.path.join(out, 'beamtap-' + version())
    write(folder)
    if '--only' in sys.argv:
        return 0
    for old in glob.glob(out + '/*.*deb') + glob.glob(out + '/beamtap_*.*'):
        os.unlink(old)
    if not shutil.which('dpkg-buildpackage') or not shutil.which('dh'):
        print('build.py: dpkg-buildpackage or dh is missing: apt-get install dpkg-dev debhelper', file=sys.stderr)
        return 1
    done = subprocess.run(['dpkg-buildpackage', '-b', '-us', '-uc', '-j%d' % (os.cpu_count() or 1)], cwd=folder)
    if done.returncode == 0:
        print('\n'.join(sorted(glob.glob(out + '/*.deb'))))
    return 1 if done.returncode else 0


if __name__ == '__main__':
    sys.exit(main())
