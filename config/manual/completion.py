#!/usr/bin/env python3
"""completion.py: completion for bash and zsh, from what the command says of itself. Plugins and their options are asked for when they
are completed: another package may have brought them.

    completion.py BEAMTAP OUT      writes OUT/beamtap (bash) and OUT/_beamtap (zsh)
"""
import os, re, sys
from says import Says

HERE = os.path.dirname(os.path.abspath(__file__))
WORDS = {'FILE.INI': 'ini', 'FILE.ini': 'ini', 'FILE': 'file', 'RECORDING': 'file', 'KIND:NAME': 'plugin', 'SECTION.KEY=VALUE': 'setting',
         'session': 'session'}


def kind(placeholder, events):
    """How a value is completed: a function of the scripts, a list of words, or not at all."""
    if '|' in placeholder:
        return placeholder.replace('|', ' ')
    if placeholder.startswith('NAME'):
        return '@sink'
    if placeholder == 'KIND,...':
        return ' '.join(events)
    placeholder = placeholder.removesuffix('...')
    return '@' + WORDS[placeholder] if placeholder in WORDS else ''


def fill(name, values):
    with open(os.path.join(HERE, name), encoding='utf-8') as file:
        return re.sub(r'^( *)# <(\w+)>\n', lambda m: ''.join(m[1] + row + '\n' for row in values[m[2]]), file.read(), flags=re.M)


def bash(says):
    flags, values, words = [], [], []
    for c in says.commands:
        flags.append("%s) flags='%s' ;;" % (c.name, ' '.join(list(c.flags) + ['--help'])))
        values += ["'%s %s') echo '%s' ;;" % (c.name, flag, kind(value, says.events) if value else '@none')
                   for flag, value in c.flags.items()]
        takes = [kind(w, says.events) for w in c.words]
        words.append("%s) echo '%s' ;;" % (c.name, ' '.join(sorted({t for t in takes if t}))))
    names = ' '.join(c.name for c in says.commands)
    return fill('beamtap.bash', {'flags': flags, 'values': values, 'words': words,
                                 'commands': ["commands='%s --help --version'" % names]})


def quoted(text):
    return text.replace("'", "'\\''").replace(':', '\\:')


def zsh(says):
    commands, arms = [], []
    for c in says.commands:
        commands.append("'%s:%s'" % (c.name, quoted(c.summary)))
        specs = ["'(- *)--help[what %s takes]'" % c.name]
        for flag, value in c.flags.items():
            how = kind(value, says.events)
            action = '_beamtap_%s' % how[1:] if how.startswith('@') else '(%s)' % how if how else ' '
            equals = '=' if flag.startswith('--') and value else ''
            specs.append("'*%s%s%s'" % (flag, equals, ':%s:%s' % (quoted(value), action) if value else ''))
        takes = [kind(w, says.events) for w in c.words]
        takes = ['_beamtap_' + t[1:] for t in dict.fromkeys(takes) if t]
        specs.append("'*:argument:%s'" % ('{ %s }' % '; '.join(takes) if takes else ' '))
        arms.append('%s) _arguments %s ;;' % (c.name, ' '.join(specs)))
    return fill('beamtap.zsh', {'commands': commands, 'arms': arms})


def main():
    command, out = sys.argv[1:]
    says = Says(command)
    for name, text in (('beamtap', bash(says)), ('_beamtap', zsh(says))):
        with open(os.path.join(out, name), 'w', encoding='utf-8') as file:
            file.write(text)


if __name__ == '__main__':
    main()
