#!/usr/bin/env python3
"""test_layers.py: the layers hold, as the #includes and the sizes of the sources show.

Each floor of core/ may include those beneath it, never one above; folders and files do not include each other in a
circle, nor do files call each other in one; a plugin includes the public headers, its own folder, what its kind shares,
core/files and core/syntax; core/ names no plugin but in one table. A source has at most 450 lines, a function at most 60. Nobody
asks the program's locale, which is another program's where the library is used, and nobody waits in select.
"""
import os, re, sys, tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# From the ground up. Those on one line may use each other as long as they make no circle.
FLOORS = [['include'], ['base'], ['files', 'names', 'syntax', 'term'], ['plugin'], ['config'], ['plan'], ['decode'], ['correlate'],
          ['bus'], ['session'], ['library'], ['cli']]
FLOOR = {folder: i for i, floor in enumerate(FLOORS) for folder in floor}
SHARED = {'sinks': ('sinks/common/',), 'filters': ('filters/common/',), 'transports': ('transports/beam/', 'transports/common/')}
TABLE = 'core/library/defaults.c'  # where the core may name plugins
WORDS = {  # words that are no plugin there
    ('core/cli/clean.c', 'modules'), ('core/cli/plugins.c', 'summary'), ('core/cli/main.c', 'nodes'), ('core/cli/summary.c', 'nodes'), ('core/cli/info.c', 'nodes'),
    ('core/config/replay_defaults.c', 'nodes'), ('core/config/session_options.c', 'nodes'), ('core/plan/print_plan.c', 'nodes'),
     ('core/config/session_options.c', 'port'), ('core/config/session_options.c', 'time'), ('core/base/event_names.c', 'time'),
     ('core/cli/main.c', 'top'), ('core/cli/trace.c', 'top')}
# What goes by the locale, in and out, and what cannot take a descriptor above 1,023.
BY_LOCALE = (r'\b(strtod|strtof|strtold|atof|setlocale|newlocale|uselocale|localeconv|nl_langinfo|tolower|toupper|'
             r'is(?:alnum|alpha|blank|cntrl|digit|graph|lower|print|punct|space|upper|xdigit)|strn?casecmp|strcasestr|strcoll|strxfrm)\s*\(')
IN_SELECT = r'(?<![.>])\b(p?select\s*\(|fd_set\b|FD_(?:SET|CLR|ISSET|ZERO)\s*\()'
FLOATS = r'%[-+ #0\']*(?:\d+|\*)?(?:\.(?:\d+|\*)?)?[lL]?[aAeEfFgG]'
MAY = {  # who may: numbers have one place; curses asks the locale whether it may draw in UTF-8, and is given one of its own
    ('core/syntax/number.c', 'newlocale'), ('core/syntax/number.c', 'strtod'),
    ('plugins/sinks/top/screen.c', 'newlocale'), ('plugins/sinks/top/screen.c', 'uselocale')}
LINES, FUNCTION = 450, 60
# What is over, with its lines, which it may not exceed; what fits is taken out. Nothing is over: keep it so.
OVER = {}


def sources(top):
    found = {}
    for root in ('core', 'plugins'):
        for folder, _, names in os.walk(os.path.join(top, root)):
            if folder.endswith('plugins/template'):  # outside of the tree: it includes what is installed
                continue
            for name in names:
                if name.endswith(('.c', '.h')):
                    path = os.path.join(folder, name)
                    with open(path, encoding='utf-8') as text:
                        found[os.path.relpath(path, top)] = text.read()
    return found


def bare(text, keep_strings=False):
    """The text with every comment, and what is in quotes, as blanks: lines stay where they are."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''

    def blank(m):
        if keep_strings and m.group()[0] in '"\'':
            return m.group()
        return re.sub(r'[^\n]', ' ', m.group())
    return re.sub(pattern, blank, text, flags=re.S)


def includes(found):
    """Of each source, the sources that it includes: {path: {path, ...}}, and those that nobody has."""
    graph, unknown = {}, []
    for path, text in found.items():
        graph[path] = set()
        for name in re.findall(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', bare(text, True), re.M):
            places = ['core/include/' + name, 'core/' + name, 'plugins/' + name]
            hit = [p for p in places if p in found]
            if hit:
                graph[path].add(hit[0])
            elif '/' in name and name.split('/')[0] in list(FLOOR) + list(SHARED) + ['beamtap']:
                unknown.append('%s includes %s, which is not there' % (path, name))
    return graph, unknown


def folder_of(path):
    return path.split('/')[1] if path.startswith('core/') else '/'.join(path.split('/')[:3])


def runs_up(graph):
    for path, others in graph.items():
        if not path.startswith('core/'):
            continue
        own = folder_of(path)
        if own not in FLOOR:
            yield '%s: the folder %s has no floor (see FLOORS)' % (path, own)
            continue
        for other in others:
            if not other.startswith('core/'):
                yield '%s includes %s: the core includes no plugin' % (path, other)
            elif FLOOR.get(folder_of(other), 99) > FLOOR[own]:
                yield '%s includes %s, which is above it' % (path, other)


def leaves_its_house(graph):
    for path, others in graph.items():
        if not path.startswith('plugins/'):
            continue
        kind = path.split('/')[1]
        own = 'plugins/' + '/'.join(path.split('/')[1:3]) + '/'
        allowed = ('core/include/', 'core/files/', 'core/syntax/', own, *('plugins/' + s for s in SHARED.get(kind, (kind + '/common/',))))
        for other in others:
            if not other.startswith(allowed):
                yield '%s includes %s: a plugin includes public headers, its own folder, what its kind shares, files/ and syntax/' % (
                    path, other)


def circles(graph):
    """The strongly connected parts of more than one node (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        for w in sorted(graph.get(v, ())):
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in stack:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            part = stack[stack.index(v):]
            del stack[stack.index(v):]
            if len(part) > 1:
                found.append(sorted(part))
    for v in sorted(graph):
        if v not in index:
            visit(v)
    return found


def in_circles(graph):
    for what, key in (('folders', folder_of), ('files', str)):
        joined = {}
        for path, others in graph.items():
            joined.setdefault(key(path), set()).update(key(o) for o in others if key(o) != key(path))
        for part in circles(joined):
            yield '%s that include each other: %s' % (what, ', '.join(part))


def calls_in_circles(found):
    """Files of the core, or of one plugin, that call each other's functions in a circle, as no #include shows."""
    home, code = {}, {}
    for path, text in found.items():
        if path.endswith('.c'):
            code[path] = bare(text)
            lines = code[path].split('\n')
            for name, first, _ in functions(text):
                if not lines[first - 1].startswith('static'):
                    home.setdefault(name, []).append(path)
    unit = {path: 'core' if path.startswith('core/') else folder_of(path) for path in code}
    graph = {}
    for path, text in code.items():
        words = set(re.findall(r'\b[a-z]\w*', text)) & set(home)
        graph[path] = {o for w in words for o in home[w] if o != path and unit[o] == unit[path]}
    for part in circles(graph):
        yield 'files that call each other: %s' % ', '.join(part)


def plugin_names(found):
    return {(p.split('/')[1][:-1], p.split('/')[2]) for p in found if re.fullmatch(r'plugins/\w+/\w+/plugin\.c', p)}


def names_plugins(found):
    """A string that is a plugin's name, or begins with KIND:NAME. Sentences may give examples."""
    names = plugin_names(found)
    words = {name for _, name in names}
    sections = tuple('%s:%s' % pair for pair in names)
    for path, text in found.items():
        if not path.startswith('core/') or path.startswith('core/include/') or path == TABLE:
            continue
        joined = re.sub(r'"\s*"', '', bare(text, True))  # strings that stand side by side are one
        for string in re.findall(r'"((?:\\.|[^"\\\n])*)"', joined):
            section = ' ' not in string and re.split(r'[.=\\]', string)[0] in sections
            if section or (string in words and (path, string) not in WORDS):
                yield '%s names a plugin: "%s"' % (path, string)


def places(path, text, pattern):
    for m in re.finditer(pattern, text):
        yield '%s:%d' % (path, text.count('\n', 0, m.start()) + 1), m


def goes_by_the_locale(found):
    for path, text in found.items():
        for at, m in places(path, bare(text), BY_LOCALE):
            if (path, m[1]) not in MAY:
                yield '%s: %s goes by the locale (see syntax/number.h and tap_syn_lower)' % (at, m[1])
        for at, m in places(path, bare(text, True), r'"(?:\\.|[^"\\\n])*"'):
            dates = 'strftime' in text[:m.start()].rsplit(';', 1)[-1]  # where %F is a day in digits
            if not dates and re.search(FLOATS, m[0].replace('%%', '')):
                yield '%s: %s prints a point as the locale has it (see tap_number_print)' % (at, m[0])


def waits_in_select(found):
    for path, text in found.items():
        for at, m in places(path, bare(text), IN_SELECT):
            yield '%s: %s knows no descriptor above 1,023: wait in poll' % (at, m[1].rstrip(' ('))


def functions(text):
    """(name, first line, last line) of every function, from where its declaration begins to its last brace."""
    code = bare(re.sub(r'^[ \t]*#(?:[^\n\\]|\\.|\\\n)*', lambda m: re.sub(r'[^\n]', ' ', m.group()), text, flags=re.M))
    depth, start, began, line, name = 0, 0, None, 1, ''
    for at, c in enumerate(code):
        if c == '\n':
            line += 1
        elif c == '{':
            head = code[start:at].rstrip() if depth == 0 else ''
            if depth == 0 and re.search(r'\)\s*(__attribute__\s*\(\(.*\)\)\s*)?$', head, re.S) and '=' not in head:
                began = line - head.lstrip().count('\n') - (code[:at].count('\n', len(code[:at].rstrip())))
                name = (re.findall(r'(\w+)\s*\(', re.sub(r'__attribute__\s*\(\(.*?\)\)', '', head)) or ['?'])[0]
            depth += 1
        elif c == '}':
            depth -= 1
            if depth == 0:
                if began:
                    yield name, began, line
                began, start = None, at + 1
        elif c == ';' and depth == 0:
            start = at + 1


def too_long(found, over=OVER):
    """What is over the most, or over what OVER allows; and what OVER allows in vain."""
    sizes = {}
    for path, text in found.items():
        sizes[path] = (text.count('\n'), LINES)
        for name, first, last in functions(text):
            sizes['%s:%s' % (path, name)] = (last - first + 1, FUNCTION)
    for what, (size, most) in sizes.items():
        if size > over.get(what, most):
            yield '%s has %d lines, %d are the most' % (what, size, most)
        elif what in over and size <= most:
            yield '%s fits by now: take it out of OVER' % what


RULES = {
    'includes_never_run_up': lambda f: runs_up(includes(f)[0]),
    'plugins_keep_to_their_house': lambda f: leaves_its_house(includes(f)[0]),
    'nothing_includes_in_a_circle': lambda f: in_circles(includes(f)[0]),
    'nothing_calls_in_a_circle': calls_in_circles,
    'the_core_names_no_plugin': names_plugins,
    'sources_and_functions_are_short': too_long,
    'what_is_included_is_there': lambda f: includes(f)[1],
    'nobody_asks_the_locale': goes_by_the_locale,
    'nobody_waits_in_select': waits_in_select,
}

LONG = 'static int f(int a,\n             int b)\n{\n' + '    a++;\n' * 57 + '    return a;\n}\n'
PLANTED = {  # for each rule a tree that breaks it once, and what must be said; the same tree mended says nothing
    'includes_never_run_up': (
        {'core/base/a.h': '#include "bus/b.h"\n', 'core/bus/b.h': ''}, {'core/base/a.h': '/* #include "bus/b.h" */\n'},
        'core/base/a.h includes core/bus/b.h'),
    'plugins_keep_to_their_house': (
        {'plugins/sinks/x/a.c': '#include "filters/common/n.h"\n#include "syntax/s.h"\n', 'plugins/filters/common/n.h': '',
         'core/syntax/s.h': ''}, {'plugins/sinks/x/a.c': '#include "syntax/s.h"\n'}, 'plugins/sinks/x/a.c includes'),
    'nothing_includes_in_a_circle': (
        {'core/term/a.h': '#include "term/b.h"\n', 'core/term/b.h': '#include "syntax/c.h"\n',
         'core/syntax/c.h': '#include "term/a.h"\n'}, {'core/syntax/c.h': ''},
        'folders that include each other: syntax, term'),
    'nothing_calls_in_a_circle': (
        {'core/term/a.c': 'int tap_a(void)\n{\n    return 1;\n}\nint tap_b(void)\n{\n    return tap_c();\n}\n',
         'core/term/c.c': 'int tap_c(void)\n{\n    return tap_a();\n}\n'},
        {'core/term/c.c': 'int tap_c(void)\n{\n    return 1; /* not tap_a() */\n}\n'},
        'files that call each other: core/term/a.c, core/term/c.c'),
    'the_core_names_no_plugin': (
        {'core/cli/a.c': 'f("such as sink:gold path", "sink:gold.path=x");\n', 'plugins/sinks/gold/plugin.c': ''},
        {'core/cli/a.c': 'f("such as sink:gold path");\n'}, 'core/cli/a.c names a plugin: "sink:gold.path=x"'),
    'sources_and_functions_are_short': (
        {'core/cli/a.c': 'struct s {\n' + '    int a;\n' * 70 + '};\n' + LONG}, {'core/cli/a.c': LONG.replace('    a++;\n', '', 2)},
        'core/cli/a.c:f has 62 lines'),
    'what_is_included_is_there': (
        {'core/cli/a.c': '#include "base/gone.h"\n#include <sys/stat.h>\n'}, {'core/cli/a.c': '#include "ini.h"\n'},
        'core/cli/a.c includes base/gone.h'),
    'nobody_asks_the_locale': (
        {'core/cli/a.c': '/* tolower(c), "%f" */\nint n = my_tolower (c) + tap_isalpha(c);\nprintf("%5.1f s", 1.5);\n'},
        {'core/cli/a.c': 'printf("%d %%f %s of %4.*s", 1, tap_number_print(15, 10, 1).text);\n'},
        'core/cli/a.c:3: "%5.1f s" prints'),
    'nobody_waits_in_select': (
        {'plugins/sinks/x/a.c': 'static fd_set all;\n'}, {'plugins/sinks/x/a.c': 'e->select(e); /* select(2) */\n'},
        'plugins/sinks/x/a.c:1: fd_set'),
}


def planted(rule):
    """Why the rule does not find what was planted; None when it does."""
    broken, mended, want = PLANTED[rule]
    with tempfile.TemporaryDirectory() as top:
        for change in (broken, mended):
            for path, text in change.items():
                os.makedirs(os.path.dirname(os.path.join(top, path)), exist_ok=True)
                with open(os.path.join(top, path), 'w') as out:
                    out.write(text)
            said = list(RULES[rule](sources(top)))
            if change is broken and not any(s.startswith(want) for s in said):
                return 'a planted violation is not found, but %s' % said
            if change is mended and said:
                return 'what is right is said to be wrong: %s' % said
    return None


def main():
    found, failed = sources(TOP), 0
    if len(found) < 100:
        print('not ok the_tree_is_read: there are only %d sources' % len(found))
        failed += 1
    for rule, check in RULES.items():
        for name, why in ((rule + '_by_the_test', planted(rule)), (rule, '; '.join(sorted(check(found))))):
            print('not ok %s: %s' % (name, why) if why else 'ok %s' % name)
            failed += bool(why)
    return 1 if failed else 0


sys.exit(main())
