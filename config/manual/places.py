"""places.py: where the pages of the sources stand when they are installed, so that a link in one of them leads there: the package, the
file below its /usr/share/doc/PACKAGE, and the manual page that is made of it. What nobody installs is said to be in the sources.
"""
import collections, glob, os, posixpath, re

Place = collections.namedtuple('Place', 'package file manual')  # manual: (name, section), or None
NOWHERE = "%s (in beamtap's sources)"
LINK = r'(!?)\[([^\]]*)\]\(([^)]*)\)'


def package_of(name):
    """Of a sink that is a package of its own; its page has the same name."""
    return 'beamtap-sink-' + name.replace('_', '-')


def places(top):
    """{path in the sources: its place}"""
    found = {'README.md': Place('beamtap', 'README.md', ('beamtap', 1)), 'config/reference.md': Place('beamtap', 'reference.md', ('beamtap.ini', 5)),
             'plugins/README.md': Place('libbeamtap-dev', 'README.md', ('beamtap-plugin', 7))}
    for path in glob.glob(os.path.join(top, 'config/*.ini')):
        name = os.path.basename(path)
        found['config/' + name] = Place('beamtap', 'examples/' + name, None)
    for path in glob.glob(os.path.join(top, 'plugins/sinks/*/package')):
        name = os.path.basename(os.path.dirname(path))
        found['plugins/sinks/%s/README.md' % name] = Place(package_of(name), 'README.md', (package_of(name), 7))
    return {path: place for path, place in found.items() if os.path.exists(os.path.join(top, path))}


def target_of(source, link):
    """The path in the sources, and the part of the page (#part, or nothing)."""
    path, hash, part = link.partition('#')
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), path)) if path else source, hash + part


def in_text(markdown, source, known, led):
    """The page `source` with each link inside the sources as led(place, words, path, part) has it; code stays."""

    def link(match):
        image, words, to = match.groups()
        if re.match(r'[a-z]+:', to):
            return match[0]
        path, part = target_of(source, to)
        place = known.get(path)
        if place:
            return led(place, words, path, part)
        return '' if image else NOWHERE % words

    parts = re.split(r'(^```[^`]*^```$|^    .*$)', markdown, flags=re.M)
    done = [part if i % 2 else re.sub(LINK, link, part) for i, part in enumerate(parts)]
    return re.sub(r'\n{3,}', '\n\n', ''.join(done))


def as_installed(markdown, source, known):
    """The page `source` as its package has it. Every package needs beamtap; the others need not be there, and are named."""
    own = known[source]

    def led(place, words, path, part):
        here = own.package == place.package
        if words == path:
            words = place.file if here else '/usr/share/doc/%s/%s' % place[:2]
        to = '[%s](%s%s%s)' % (words, '' if here else '../%s/' % place.package, place.file, part)
        return to if here or place.package == 'beamtap' else to + ', package ' + place.package

    return in_text(markdown, source, known, led)


def in_manual(markdown, source, known):
    """The page with manual pages in the place of links."""

    def led(place, words, path, _):
        if not place.manual:
            return '`/usr/share/beamtap/%s`' % path
        page = '`%s`(%d)' % place.manual
        return page if words.endswith('.md') else '%s (%s)' % (words, page)

    return in_text(markdown, source, known, led)
