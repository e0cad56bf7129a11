#!/usr/bin/env python3
"""test_packaging.py: what the Debian packages are made of, without building them: the version is one, each plugin is in exactly one
package, an exporter needs no change but in its own folder. sh tests/run.sh --packages builds and uses them.
"""
import fnmatch, glob, os, re, shutil, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, 'config', 'debian'))
sys.dont_write_bytecode = True
import build


def stanzas():
    return {build.fields(s)['Package']: build.fields(s) for s in build.control().split('\n\n')[1:]}


def the_version_is_one():
    assert build.version() == re.search(r"^VERSION = '([^']+)'", build.read('SConstruct'), re.M).group(1), 'config/debian/changelog and SConstruct'


def each_plugin_is_in_one_package():
    found, lists = stanzas(), build.files()
    places = [(name[:-len('.install')], line) for name, lines in lists.items() if name.endswith('.install') for line in lines]
    for source in glob.glob(os.path.join(TOP, 'plugins/*s/*/plugin.c')):
        kind, name = source.split('/')[-3:-1]
        so = 'usr/lib/x/' + 'beamtap/plugins-v%s/beamtap_%s_%s.so' % (build.abi(), kind[:-1], name)
        where = [package for package, pattern in places if fnmatch.fnmatch(so, pattern)]
        assert len(where) == 1 and where[0] in found, (so, where)
        apart = os.path.exists(os.path.join(os.path.dirname(source), 'package'))
        assert where[0] == (build.package_of(name) if apart else 'beamtap'), (so, where)
    assert {package for package, _ in places} == set(found), (places, set(found))


def what_needs_a_library_of_its_own_is_an_exporter():
    """Or everybody who installs beamtap would need it, too."""
    for path in glob.glob(os.path.join(TOP, 'plugins/sinks/*/needs.json')):
        folder = os.path.dirname(path)
        assert os.path.exists(folder + '/package'), '%s has needs.json and no file `package` (see config/debian/build.py)' % folder


def exporters_depend_on_the_abi():
    found = stanzas()
    assert found['beamtap']['Provides'] == 'beamtap-plugin-abi-' + build.abi() and build.exporters(), found['beamtap']
    for name in build.exporters():
        s = found[build.package_of(name)]
        assert 'beamtap-plugin-abi-%s' % build.abi() in s['Depends'].split(', ') and s['Enhances'] == 'beamtap', s
        assert 'beamtap ' not in s['Depends'] + ' ', 'of no version'


def descriptions_are_as_policy_wants_them():
    for name, s in stanzas().items():
        first, *rest = s['Description'].split('\n')
        assert first and len(first) < 80 and not first.endswith('.') and not re.match('(an?|the) ', first, re.I), (name, first)
        assert rest and all(line == ' .' or re.match(r' \S', line) and len(line) <= 80 for line in rest), (name, rest)


def a_new_folder_becomes_a_package():
    """With a description and what it needs; nothing else is touched."""
    with tempfile.TemporaryDirectory() as top:
        for part in ('core/include/beamtap', 'config', 'plugins/sinks/folded', 'plugins/filters/nodes'):
            shutil.copytree(os.path.join(TOP, part), os.path.join(top, part))
        folder = top + '/plugins/sinks/new_one'
        os.makedirs(folder)
        for name, text in {'plugin.c': '', 'README.md': '# New\n', 'needs.json': '[{"what": "X", "header": "x.h", "libraries": ["x"], "package": "libx-dev"}]',
                           'package': 'Description: something new\n More of it.\nSuggests: viewer\nBuild-Depends: protobuf-compiler\n'}.items():
            with open(os.path.join(folder, name), 'w') as file:
                file.write(text)
        before, build.TOP = build.TOP, top
        try:
            s, lists, needed = stanzas()['beamtap-sink-new-one'], build.files(), build.fields(build.control())['Build-Depends']
        finally:
            build.TOP = before
    assert s['Suggests'] == 'viewer' and s['Description'].startswith('something new\n More of it.\n .\n') and 'Build-Depends' not in s, s
    assert 'libx-dev' in needed and 'protobuf-compiler' in needed, needed
    assert lists['beamtap-sink-new-one.install'] == ['usr/lib/*/beamtap/plugins-v%s/beamtap_sink_new_one.so' % build.abi(),
                                                     'usr/share/man/man7/beamtap-sink-new-one.7'], lists
    assert lists['beamtap-sink-new-one.docs'] == ['debian/pages/beamtap-sink-new-one/README.md'], lists


def links_lead_to_what_is_installed():
    """In its own package, or in one that is named; what is in none is said to be in the sources, and there it is."""
    texts, _ = build.pages()
    there = {'/'.join(place[:2]) for place in build.places(TOP).values()}
    assert {'beamtap/README.md', 'libbeamtap-dev/README.md', 'beamtap-sink-sqlite/README.md', 'beamtap/examples/calls.ini'} <= there, there
    links = 0
    for path, text in texts.items():
        package = path.split('/')[1]
        for link, rest in re.findall(r'\]\(([^):]+)\)(.{0,60})', text):
            to = os.path.normpath(os.path.join(package, link.split('#')[0]))
            assert to in there, (path, link)
            assert to.split('/')[0] in (package, 'beamtap') or 'package ' + to.split('/')[0] in rest, (path, link, rest)
            links += 1
        for name in re.findall(r"([\w/.]+) \(in beamtap's sources\)", text):
            assert os.path.exists(os.path.join(TOP, name)), (path, name)
    assert links > 15, links


def main():
    failed = 0
    for test in (the_version_is_one, each_plugin_is_in_one_package, what_needs_a_library_of_its_own_is_an_exporter, exporters_depend_on_the_abi,
                 descriptions_are_as_policy_wants_them, a_new_folder_becomes_a_package, links_lead_to_what_is_installed):
        try:
            test()
            print('ok packaging.' + test.__name__)
        except Exception as why:
            print('not ok packaging.%s: %s' % (test.__name__, str(why).replace('\n', '\n    ')))
            failed += 1
    return 1 if failed else 0


sys.exit(main())
