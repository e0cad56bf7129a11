#!/usr/bin/env python3
"""test_headers.py: the public headers as their users have them, and the promise "only ever appended".

Each header compiles alone, in C11 and in C++11 to C++20, with gcc and clang. Complete plugins of each kind (tests/abi/1.0), one of
them in C++, are built by the headers alone and carry a run, once with today's headers and once with those of ABI 1.0, of which
tests/abi/1.0/beamtap is a copy. Against that copy today's layouts, numbers and functions are held: what it has must be where it was,
and what is new must stand behind it.
"""
import glob, itertools, os, re, shutil, subprocess, sys, tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('BEAMTAP_BUILD', os.path.join(TOP, 'build/release'))
TODAY = os.path.join(TOP, 'core/include')
FIRST = os.path.join(TOP, 'tests/abi/1.0')
STRICT = ['-Wall', '-Wextra', '-Wpedantic', '-Werror']
C = [('gcc', '-std=c11'), ('clang', '-std=c11')]
CXX = [(cc, '-std=c++%s' % v) for cc in ('g++', 'clang++') for v in ('11', '14', '17', '20')]
# What begins with its size, and may be made by a plugin or a program. Made without a size it would be taken for a mistake.
SIZED = r'tap_(?:print|node_final|deep_stack|plan_function|plan_process|plan_message|call_result|trace_event|trace_figures)'
APPEND = ('an ABI that was released is only appended to: put the field or number behind all others, raise TAP_ABI_MINOR, and guard '
          'its use with TAP_HAS')
COPY = ('as long as nothing was released this is fine: cp core/include/beamtap/*.h tests/abi/1.0/beamtap/; after the release of '
        '1.0 ' + APPEND)
GROWS = re.compile(r'_COUNT$|^TAP_ABI_MINOR$')  # numbers that say how much there is

work = tempfile.mkdtemp(prefix='beamtap-headers-')


def there(compilers):
    for name in sorted({c for c, _ in compilers if not shutil.which(c)}):
        print('# skipped: there is no %s' % name)
    return [c for c in compilers if shutil.which(c[0])]


def compiled(compiler, source, *options):
    """What the compiler has to say; None: nothing."""
    done = subprocess.run([compiler, *options, source], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return '%s %s: %s' % (compiler, ' '.join(options), done.stdout[-600:]) if done.returncode or done.stdout.strip() else None


def headers(where=TODAY):
    return sorted(os.path.basename(p) for p in glob.glob(where + '/beamtap/*.h'))


def text(name, content):
    path = os.path.join(work, name)
    with open(path, 'w') as out:
        out.write(content)
    return path


def bare(source):
    """Without comments, and with single blanks: two headers that say the same are the same."""
    return ' '.join(re.sub(r'/\*.*?\*/', ' ', source.replace('\\\n', ' '), flags=re.S).split())


def read(path):
    with open(path, encoding='utf-8') as source:
        return source.read()


# ---- As their users have them

def each_header_compiles_alone():
    for end, compilers in (('.c', there(C)), ('.cc', there(CXX))):
        for header, (compiler, standard) in itertools.product(headers(), compilers):
            source = text('alone' + end, '#include <beamtap/%s>\n' % header)
            yield compiled(compiler, source, standard, *STRICT, '-fsyntax-only', '-I' + TODAY)


def what_does_not_compile_is_found():
    wrong = {'.c': 'uint8_t missing;\n', '.cc': 'static const int of[2] = {[1] = 2};\n'}  # stdint.h; what C alone has
    for end, compilers in (('.c', C), ('.cc', CXX)):
        for compiler, standard in compilers:
            if shutil.which(compiler) and not compiled(compiler, text('wrong' + end, wrong[end]), standard, *STRICT, '-fsyntax-only'):
                yield '%s %s takes %s' % (compiler, standard, wrong[end])


def twice_and_together_is_fine():
    """Every header twice, in both orders: they guard themselves, and none needs another in front of it."""
    source = ''.join('#include <beamtap/%s>\n' % h for h in headers() + headers()[::-1])
    for (end, compilers) in (('.c', C), ('.cc', CXX)):
        path = text('all' + end, source)
        for compiler, standard in compilers:
            if shutil.which(compiler):
                yield compiled(compiler, path, standard, *STRICT, '-fsyntax-only', '-I' + TODAY)


def build(source, out, include, compiler, standard):
    return compiled(compiler, source, standard, '-O2', *STRICT, '-fPIC', '-shared', '-fvisibility=hidden', '-Wl,-z,defs',
                    '-I' + include, '-o', out)


PLUGINS = [('sink.c', 'sink_abi_c'), ('filter.c', 'filter_abi_c'), ('transport.c', 'transport_abi_c'), ('sink.cc', 'sink_abi_cc')]
RUN = """[session]
nodes = shop@web1
events = function_call
plugin_path = %(folder)s
[transport:abi_c]
[filter:abi_c]
function = add
[sink:abi_c]
path = %(folder)s/lines
[sink:abi_cc]
path = %(folder)s/counts
"""
LINES = 'shop@web1 function_call <0.100.0> shop_cart:add [%d,<<"tea">>]\n'


def carried(folder):
    """The plugins in the folder are listed and carry a run to its end; else why not."""
    env = dict(os.environ, BEAMTAP_PLUGIN_PATH=folder)
    listed = subprocess.run([BUILD + '/beamtap', 'plugins'], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for _, name in PLUGINS:
        if 'beamtap_%s.so' % name not in listed.stdout or listed.returncode:
            return '%s is not listed: %s' % (name, listed.stdout[-600:])
    ini = text('run.ini', RUN % {'folder': folder})
    done = subprocess.run([BUILD + '/beamtap', 'run', ini], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
    if done.returncode:
        return 'the run fails: %s' % done.stdout[-600:]
    if read(folder + '/lines') != LINES % 0 + LINES % 2:
        return 'the sink in C wrote %r' % read(folder + '/lines')
    if read(folder + '/counts') != '<shop@web1.100.0> add/2 2\n':
        return 'the sink in C++ wrote %r' % read(folder + '/counts')
    return None


def plugins_of(include, name):
    """Built by each compiler, the last of the standards in turn; a run with those of each family."""
    families = [f for f in (('gcc', 'g++'), ('clang', 'clang++')) if all(shutil.which(c) for c in f)]
    if not families:
        yield 'there is neither gcc with g++ nor clang with clang++'
    for cc, cxx in families:
        folder = os.path.join(work, name + cc)
        os.mkdir(folder)
        for source, plugin in PLUGINS:
            out = '%s/beamtap_%s.so' % (folder, plugin)
            for standard in ('-std=c11',) if source.endswith('.c') else [s for c, s in CXX if c == cxx]:
                yield build(os.path.join(FIRST, source), out, include, cc if source.endswith('.c') else cxx, standard)
        yield carried(folder)


def plugins_are_built_by_the_headers_alone():
    return plugins_of(TODAY, 'today')


def plugins_built_for_1_0_still_run():
    return plugins_of(FIRST, 'first')


def who_makes_a_struct_gives_its_size():
    """In plugins, programs and examples: `struct tap_print p = {...}` without a size is a mistake that no compiler finds."""
    made = re.compile(r'(?:struct %s (\w+) = |\(struct %s\))\{(?!\s*(?:\.struct_size =|sizeof\b))' % (SIZED, SIZED))
    bare_one = re.compile(r'struct tap_(?:call_result|trace_event|trace_figures|deep_stack|node_final|print) \w+;')
    paths = [p for end in ('c', 'h') for p in glob.glob(TOP + '/plugins/**/*.' + end, recursive=True)]
    paths += glob.glob(TOP + '/tests/abi/*/*.c') + glob.glob(TOP + '/tests/e2e/*.c')
    paths += [TOP + '/core/cli/call.c', TOP + '/plugins/README.md', TOP + '/README.md']
    for path in paths:
        source = re.sub(r'/\*.*?\*/', lambda m: re.sub(r'[^\n]', ' ', m[0]), read(path), flags=re.S)
        for found in made.finditer(source):
            yield '%s:%d: %s' % (os.path.relpath(path, TOP), source[:found.start()].count('\n') + 1, found[0])
        for found in bare_one.finditer(source):
            before = source[:found.start()]  # a member of a struct of the plugin's own is set where that is made
            if before.count('{') > before.count('}') and re.search(r'\bstruct \w+ \{[^{}]*$', before):
                continue
            yield '%s:%d: %s' % (os.path.relpath(path, TOP), before.count('\n') + 1, found[0])


# ---- Only ever appended

def layouts(include):
    """{struct: ([(offset, member)], size)}, as clang lays them out, with the types of members."""
    source = text('layout.c', ''.join('#include <beamtap/%s>\n' % h for h in headers(include)))
    said = subprocess.run(['clang', '-std=c11', '-fsyntax-only', '-Xclang', '-fdump-record-layouts-complete', '-I' + include, source],
                          stdout=subprocess.PIPE, check=True, text=True).stdout
    found = {}
    for record in said.split('*** Dumping AST Record Layout')[1:]:
        head = re.search(r'^\s*0 \| struct (tap_\w+)$', record, re.M)
        if not head or record.index(head[0].strip()) > 40:
            continue
        members = [(int(at), re.sub(r'\((?:anonymous|unnamed)[^)]*\)', '(anonymous)', what.strip()))
                   for at, what in re.findall(r'^\s*(\d+) \|  (.*)$', record, re.M)]
        found[head[1]] = (members, int(re.search(r'sizeof=(\d+)', record)[1]))
    return found


def moved(was, now):
    """What is no longer where it was, and what is new in front of what the other side thinks is the end."""
    for name, (members, size) in was.items():
        if name not in now:
            yield 'struct %s is gone' % name
            continue
        for member in members:
            if member not in now[name][0]:
                yield 'struct %s: %s is not at offset %d any more' % (name, member[1], member[0])
        for at, member in now[name][0]:
            if (at, member) not in members and at < size:
                yield 'struct %s: %s stands at offset %d, before the end that ABI 1.0 knows (%d, padding included)' % (
                    name, member, at, size)


def numbers(include):
    """{name: value} of every enumerator and every macro that is a number."""
    names = {}
    for header in headers(include):
        source = re.sub(r'/\*.*?\*/', '', read('%s/beamtap/%s' % (include, header)), flags=re.S)
        for body in re.findall(r'\benum\s+\w+\s*\{(.*?)\}', source, re.S):
            names.update(dict.fromkeys(re.findall(r'\b(TAP_\w+)\s*(?:=[^,}]*)?(?:,|\s*$)', body)))
        names.update(dict.fromkeys(re.findall(r'^#define (TAP_\w+) \(?[-\d]', source, re.M)))
    code = ''.join('#include <beamtap/%s>\n' % h for h in headers(include)) + '#include <stdio.h>\nint main(void) {\n' + ''.join(
        'printf("%%s %%lld\\n", "%s", (long long)(%s));\n' % (n, n) for n in names) + 'return 0; }\n'
    program = os.path.join(work, 'numbers')
    compiler = 'gcc' if shutil.which('gcc') else 'clang'
    subprocess.run([compiler, '-std=c11', '-I' + include, '-o', program, text('numbers.c', code)], check=True)
    return dict(line.split() for line in subprocess.run([program], stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines())


def renumbered(was, now):
    for name, value in was.items():
        if not GROWS.search(name) and now.get(name) != value:
            yield '%s was %s, and is %s' % (name, value, now.get(name, 'gone'))
        if GROWS.search(name) and int(now.get(name, -1)) < int(value):
            yield '%s was %s, and is %s' % (name, value, now.get(name, 'gone'))


def functions(include):
    """The prototypes of the library, and the heads of what is inline."""
    found = set()
    for header in headers(include):
        source = bare(re.sub(r'^#.*?(?<!\\)$', '', read('%s/beamtap/%s' % (include, header)), flags=re.M | re.S))
        found.update(re.findall(r'(?:^|[;}] )((?:const |enum |struct )*\w+ \**(?:tap|beamtap)_\w+\([^{};]*\))(?=;)', source))
        found.update(re.findall(r'static inline ([^{};]*?\))(?= \{)', source))
    return found


def nothing_has_moved():
    if not shutil.which('clang'):
        print('# skipped: there is no clang, which says how structs are laid out')
        return []
    now, was = layouts(TODAY), layouts(FIRST)
    yield None if len(was) > 40 and 'tap_event' in was else 'only %d structs are read' % len(was)
    yield from ('%s: %s' % (why, APPEND) for why in moved(was, now))
    names = numbers(FIRST)
    yield None if len(names) > 150 else 'only %d numbers are read' % len(names)
    yield from ('%s: %s' % (why, APPEND) for why in renumbered(names, numbers(TODAY)))
    calls = functions(FIRST)
    yield None if len(calls) > 60 else 'only %d functions are read' % len(calls)
    yield from ('%s is gone or another: %s' % (f, APPEND) for f in sorted(calls - functions(TODAY)))
    yield None if now['tap_event'][1] == 128 else 'an event has %d bytes, not two lines of a cache' % now['tap_event'][1]


def the_copy_of_1_0_is_whole():
    """While the minor is 0 the copy is today's headers; only comments may differ."""
    minor = re.search(r'#define TAP_ABI_MINOR (\d+)', read(TODAY + '/beamtap/plugin.h'))[1]
    if minor != '0':
        return
    if headers() != headers(FIRST):
        yield 'tests/abi/1.0/beamtap has %s, core/include/beamtap %s: %s' % (headers(FIRST), headers(), COPY)
    for header in set(headers()) & set(headers(FIRST)):
        if bare(read('%s/beamtap/%s' % (TODAY, header))) != bare(read('%s/beamtap/%s' % (FIRST, header))):
            yield '%s says something else than its copy: %s' % (header, COPY)


def a_change_is_found():
    """What the tests above would say of edits that break the promise, and that they say nothing of one that keeps it."""
    if not shutil.which('clang'):
        print('# skipped: there is no clang, which says how structs are laid out')
        return
    edits = [
        ('plugin.h', 'uint32_t node_name;', '', 'struct tap_print: uint32_t node_name is not at'),
        ('transport.h', 'uint64_t produced, lost;', 'uint64_t lost, produced;', 'struct tap_node_final: uint64_t'),
        ('plugin.h', 'bool printable_unicode; /* the node', 'bool printable_unicode, more; /* the node', 'struct tap_node: _Bool more'),
        ('sink.h', 'void (*release)(const struct tap_host *, const', 'int (*release)(const struct tap_host *, const', 'struct tap_sink_host'),
        ('event.h', 'TAP_FUNCTION_RETURN,', 'TAP_NEW, TAP_FUNCTION_RETURN,', 'TAP_FUNCTION_RETURN was 1, and is 2'),
        ('frame.h', '#define TAP_FRAME_OWN 2u', '#define TAP_FRAME_OWN 16u', 'TAP_FRAME_OWN was 2'),
        ('beamtap.h', 'bool tap_trace_wait(struct tap_trace *, int timeout);', '', 'bool tap_trace_wait'),
        ('sink.h', 'bool (*ending)(const struct tap_host *);', 'bool (*ending)(const struct tap_host *); void (*more)(void);', None),
        ('event.h', 'TAP_KIND_COUNT', 'TAP_NEW, TAP_KIND_COUNT', None),
    ]
    was, names, calls = layouts(TODAY), numbers(TODAY), functions(TODAY)
    for i, (header, old, new, want) in enumerate(edits):
        include = os.path.join(work, 'edit%d' % i)
        shutil.copytree(TODAY, include)
        source = read('%s/beamtap/%s' % (include, header))
        if old not in source:
            yield '%s does not say %r any more' % (header, old)
            continue
        with open('%s/beamtap/%s' % (include, header), 'w') as out:
            out.write(source.replace(old, new, 1))
        said = list(itertools.chain(moved(was, layouts(include)), renumbered(names, numbers(include)), calls - functions(include)))
        if want and not any(s.startswith(want) for s in said):
            yield '%s for %s in %s is not found, but %s' % (new, old, header, said)
        if not want and said:
            yield '%s for %s in %s is found, and is right: %s' % (new, old, header, said)


TESTS = [each_header_compiles_alone, what_does_not_compile_is_found, twice_and_together_is_fine, plugins_are_built_by_the_headers_alone,
         plugins_built_for_1_0_still_run, who_makes_a_struct_gives_its_size, nothing_has_moved, the_copy_of_1_0_is_whole,
         a_change_is_found]


def main():
    failed = 0
    try:
        for test in TESTS:
            why = [w.replace('\n', ' | ') for w in test() if w]
            print('not ok %s: %s' % (test.__name__, '; '.join(why)) if why else 'ok %s' % test.__name__, flush=True)
            failed += bool(why)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


sys.exit(main())
