#!/usr/bin/env python3
"""pages.py: the manual pages, from what the command says of itself and from the pages beside the sources.

    pages.py BEAMTAP VERSION DATE OUT [EXPORTER...]    EXPORTER: a sink's name, which gets a page of its own
"""
import os, re, sys
from places import in_manual, package_of, places
from roff import page
from says import Says

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
SEE = '\n## See also\n\n%s\n'
PAGES = ('`beamtap`(1)', '`beamtap.ini`(5)', '`beamtap-plugin`(7)')


def read(path):
    """A page of the sources, with manual pages in the place of its links."""
    with open(os.path.join(TOP, path), encoding='utf-8') as text:
        return in_manual(text.read(), path, places(TOP))


def name_of(page_name, what):
    return '## Name\n\n%s - %s\n\n' % (page_name, what)


def commands(says):
    text = ''
    for c in says.commands:
        text += '### beamtap %s\n\n**%s**\n\n%s.\n\n' % (c.name, c.usage, c.summary[0].upper() + c.summary[1:])
        text += ''.join('    %s\n' % row for row in c.details) + '\n'
    return text


def rules():
    """How the commands behave: of the reference, the list."""
    return read('config/reference.md').split('\n## Signals and files\n')[1].split('\n## ')[0]


def ways(says):
    """The exit codes, as --help ends: a list."""
    codes = says.end[says.end.index('Exit codes:') + len('Exit codes:'):]
    return ''.join('- %s\n' % re.sub(r'\s+', ' ', c).strip().rstrip('.') for c in codes.split(';'))


def beamtap(says):
    text = read('config/manual/beamtap.md')
    for key, value in (('commands', commands(says)), ('rules', rules()), ('codes', ways(says))):
        text = text.replace('<%s>' % key, value)
    return name_of('beamtap', 'traces running Erlang and Elixir nodes') + text + SEE % ', '.join(PAGES[1:])


def below_title(markdown):
    return markdown.split('\n', 1)[1]


def ini():
    return name_of('beamtap.ini', 'what a trace run is to do') + '## Description\n' + below_title(read('config/reference.md')) + \
        SEE % ', '.join(PAGES[::2])


def plugin():
    return name_of('beamtap-plugin', 'how sinks, filters and transports of beamtap are written') + '## Description\n' + \
        below_title(read('plugins/README.md')) + SEE % ', '.join(PAGES[:2])


def options(rows):
    text = '| key | value | default | meaning |\n| --- | --- | --- | --- |\n'
    for o in rows:
        kind = ' | '.join(o['choices']) if o['type'] == 'choice' else o['type']
        default = 'required' if o['required'] else o['default'] or ''
        text += '| `%s` | %s | %s | %s |\n' % tuple(str(c).replace('|', '\\|') for c in (o['name'], kind, default, o['help']))
    return text


def exporter(says, name):
    p = next(p for p in says.plugins if (p['kind'], p['name']) == ('sink', name))
    text = name_of(package_of(name), p['summary'])
    text += '## Synopsis\n\n    [sink:%s]\n' % name + ''.join('    %s = ...\n' % o['name'] for o in p['options'] if o['required'])
    own = 'plugins/sinks/%s/README.md' % name
    if os.path.exists(os.path.join(TOP, own)):
        text += '\n## Description\n' + below_title(read(own))
    return text + '\n## Options\n\n' + options(p['options']) + SEE % ', '.join(PAGES[:2])


def main():
    command, version, date, out, *exporters = sys.argv[1:]
    says = Says(command)
    pages = [('beamtap', 1, beamtap(says)), ('beamtap.ini', 5, ini()), ('beamtap-plugin', 7, plugin())]
    pages += [(package_of(name), 7, exporter(says, name)) for name in exporters]
    for name, section, text in pages:
        with open('%s/%s.%d' % (out, name, section), 'w', encoding='utf-8') as file:
            file.write(page(name, section, date, 'beamtap ' + version, text, top=2))


if __name__ == '__main__':
    main()
