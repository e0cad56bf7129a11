"""Outputs and plugins among other users: nobody else reads a trace, and nobody else's code runs as root.

Tests run as root; the other user is nobody (65534)."""
import stat
from lib import *

NOBODY = 65534
INI = """[session]
nodes = %s
events = function_call
duration = 300ms
[filter:modules]
modules = e2e_work
[sink:%s]
path = %s
"""
SINKS = {'csv': 'a.csv', 'packed': 'a.csv.gz', 'stdout': 'a.txt', 'chrome': 'a.json', 'record': 'a.btf', 'summary': 'a.sum', 'html': 'a.html'}
node = None


def one_node():
    global node
    node = node or Node()
    return node


def shared_folder():
    """Such as /tmp."""
    folder = tempfile.mkdtemp(dir=work)
    os.chmod(folder, 0o1777)
    return folder


def traced(sink, path, code, *more):
    ini = INI % (one_node().name, sink, path)
    if sink == 'packed':
        ini += 'plugin = csv\n'
    return Run(ini + '\n'.join(more) + '\n').ended(code)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def another_users_file_is_refused():
    for sink, name in SINKS.items():
        path = os.path.join(shared_folder(), name)
        with open(path, 'w') as f:
            f.write('theirs\n')
        os.chown(path, NOBODY, NOBODY)
        for permissions in (0o666, 0o600):
            os.chmod(path, permissions)
            run = traced(sink, path, 1)
            assert 'cannot open %s: it belongs to another user (uid %d)' % (path, NOBODY) in run.err(), run.err()
            with open(path) as f:
                assert f.read() == 'theirs\n' and mode(path) == permissions


def our_own_file_is_taken_away_from_others():
    for sink, name in SINKS.items():
        path = os.path.join(shared_folder(), name)
        for permissions in (0o666, 0o644, 0o600):
            with open(path, 'w') as f:
                f.write('an earlier one\n')
            os.chmod(path, permissions)
            run = traced(sink, path, 0)
            assert mode(path) == 0o600 and os.path.getsize(path) != 15
            told = 'others could read or write %s (mode %04o)' % (path, permissions) in run.err()
            assert told == (permissions != 0o600), run.err()


def a_start_that_fails_leaves_the_mode():
    path = os.path.join(shared_folder(), 'a.csv')
    for content in ('an earlier one\n', ''):
        with open(path, 'w') as f:
            f.write(content)
        os.chmod(path, 0o644)
        Run(INI % ('nobody_here@localhost', 'csv', path)).ended(1)
        with open(path) as f:
            assert f.read() == content and mode(path) == 0o644


def the_next_files_are_judged_too():
    """Of a run that is cut into files, trace.2.json is somebody else's."""
    folder = shared_folder()
    with open(folder + '/a.2.json', 'w') as f:
        f.write('theirs\n')
    os.chown(folder + '/a.2.json', NOBODY, NOBODY)
    n = one_node()
    run = Run((INI % (n.name, 'chrome', folder + '/a.json')).replace('300ms', '30s') + 'rotate_size = 64k\n')
    n.traced()
    n('e2e_work:run(20, 20, 200)')
    run.ended(1)
    assert 'a.2.json: it belongs to another user' in run.err(), run.err()
    with open(folder + '/a.2.json') as f:
        assert f.read() == 'theirs\n'


def links():
    folder, own = shared_folder(), tempfile.mkdtemp(dir=work)
    victim = own + '/victim.csv'

    def fresh():
        with open(victim, 'w') as f:
            f.write('of value\n')
    fresh()
    # Another user's link, to a file of ours or to nothing; as the last part of the path, or as a folder in it.
    os.symlink(victim, folder + '/a.csv')
    os.symlink(own + '/made.csv', folder + '/b.csv')
    os.symlink(own, folder + '/c')
    for name in ('a.csv', 'b.csv', 'c'):
        os.lchown(os.path.join(folder, name), NOBODY, NOBODY)
    for path in (folder + '/a.csv', folder + '/b.csv', folder + '/c/victim.csv', folder + '/c/new.csv'):
        run = traced('csv', path, 1)
        assert 'is a link that another user made (uid %d)' % NOBODY in run.err(), run.err()
    with open(victim) as f:
        assert f.read() == 'of value\n' and os.listdir(own) == ['victim.csv']
    # A second name that another user gave a file of ours.
    os.link(victim, folder + '/d.csv')
    assert 'it has 2 names (hard links)' in traced('csv', folder + '/d.csv', 1).err()
    with open(victim) as f:
        assert f.read() == 'of value\n'
    os.unlink(folder + '/d.csv')
    # Our own links are followed, also through several and relative ones.
    os.symlink('victim.csv', own + '/one.csv')
    os.symlink(own + '/one.csv', folder + '/two.csv')
    traced('csv', folder + '/two.csv', 0)
    with open(victim) as f:
        assert f.read().startswith('ts,node') and os.path.islink(folder + '/two.csv')
    os.symlink('not_yet.csv', own + '/dangling.csv')
    traced('csv', own + '/dangling.csv', 0)
    assert mode(own + '/not_yet.csv') == 0o600
    os.symlink('loop', own + '/loop')
    assert 'Too many levels' in traced('csv', own + '/loop', 1).err()


def pipes_and_devices():
    folder = shared_folder()
    theirs, ours = folder + '/theirs', folder + '/ours'
    os.mkfifo(theirs)
    os.chown(theirs, NOBODY, NOBODY)
    for reader in (None, os.open(theirs, os.O_RDONLY | os.O_NONBLOCK)):  # also before anyone reads it
        assert 'it belongs to another user' in traced('csv', theirs, 1).err()
    os.mkfifo(ours, 0o644)
    reader = subprocess.Popen(['cat', ours], stdout=subprocess.PIPE)
    started.append(reader)
    traced('csv', ours, 0)
    assert reader.communicate(timeout=PATIENCE)[0].startswith(b'ts,node') and mode(ours) == 0o600
    traced('csv', '/dev/null', 0)
    assert mode('/dev/null') == 0o666
    for path in ('/dev/stdout', '/dev/fd/1', '/proc/self/fd/1', '/dev/stderr'):
        run = traced('csv', path, 0)
        assert 'ts,node,event' in (run.err() if path == '/dev/stderr' else run.out()), path
    # A descriptor that we were given is written where it stands.
    with open(folder + '/given', 'wb') as f:
        f.write(b'before\n')
        f.flush()
        line = [BEAMTAP, 'run', '/dev/stdin']
        done = subprocess.run(line, input=(INI % (one_node().name, 'csv', '/dev/fd/%d' % f.fileno())).encode(),
                              pass_fds=[f.fileno()], env=env, stderr=subprocess.PIPE)
        assert done.returncode == 0, done.stderr
        os.write(f.fileno(), b'after\n')
    with open(folder + '/given') as f:
        text = f.read()
    assert text.startswith('before\nts,node,event') and text.endswith('after\n') and mode(folder + '/given') == 0o644, text


def as_another_user():
    """Not root: root's files are root's business, unless all can read them."""
    folder = tempfile.mkdtemp(dir=work)
    os.chmod(work, 0o755)
    os.chmod(folder, 0o777)
    path = folder + '/roots.csv'
    with open(path, 'w') as f:
        f.write('')
    os.chmod(path, 0o666)
    ini = folder + '/a.ini'
    with open(ini, 'w') as f:
        f.write(INI % (one_node().name, 'csv', path))
    os.chmod(ini, 0o644)
    done = subprocess.run(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', BEAMTAP, 'run', ini], env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "it is root's and others can read it (mode 0666)" in done.stderr, done
    assert os.path.getsize(path) == 0


# ---- Plugins

PLUGIN = """#include <stdio.h>
__attribute__((constructor)) static void runs(void) { FILE *f = fopen("%s", "w"); if (f) fclose(f); }
int nothing;
"""


def plugin_in(folder, trace):
    source = os.path.join(tempfile.mkdtemp(dir=work), 'p.c')
    with open(source, 'w') as f:
        f.write(PLUGIN % trace)
    subprocess.run(['cc', '-shared', '-fPIC', '-o', folder + '/beamtap_sink_evil.so', source], check=True)
    return folder + '/beamtap_sink_evil.so'


def asked(folder, *user):
    """What is said of the plugin in this folder."""
    ini = os.path.join(tempfile.mkdtemp(dir=work), 'a.ini')
    with open(ini, 'w') as f:
        f.write('[session]\nnodes = a@b\nplugin_path = %s\n[sink:evil]\n' % folder)
    os.chmod(os.path.dirname(ini), 0o755)
    os.chmod(ini, 0o644)
    done = subprocess.run([*user, BEAMTAP, 'check', ini], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2, done
    return done.stderr


def plugins_that_others_could_have_written():
    top = tempfile.mkdtemp(dir='/tmp')
    os.chmod(top, 0o755)
    folder, ran = top + '/plugins', top + '/ran'
    os.mkdir(folder, 0o755)
    path = plugin_in(folder, ran)
    loaded = 'it has no symbol beamtap_plugin_v1'
    nobody = ('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups')

    def case(what, words, *user):
        if os.path.exists(ran):
            os.unlink(ran)
        said = asked(folder, *user)
        assert words in said, (what, said)
        assert user or os.path.exists(ran) == (words == loaded), what

    try:
        case('all is well', loaded)
        for target, place in ((path, 'it belongs'), (folder, 'its folder %s belongs' % folder), (top, 'its folder %s belongs' % top)):
            was = stat.S_IMODE(os.stat(target).st_mode)
            for owner, group, bits in ((NOBODY, 0, was), (0, 0, was | 0o002), (0, NOBODY, was | 0o020)):
                os.chown(target, owner, group)
                os.chmod(target, bits)
                case(target, '%s is not loaded: %s to uid %d and gid %d and has mode %04o' % (path, place, owner, group, bits))
            os.chown(target, 0, 0)
            os.chmod(target, was)
        case('all is well again', loaded)
        os.chmod(folder, 0o1777)  # the sticky bit does not keep anyone from putting a plugin there
        case('a folder such as /tmp', 'its folder %s belongs' % folder)
        # Another user: root's and his own, and no stranger's from where all can write.
        case('of root', loaded, *nobody)
        os.chown(path, 1234, 1234)
        case("a stranger's in a folder of all", 'is not loaded: it belongs to uid 1234', *nobody)
        os.chmod(folder, 0o755)
        case("a stranger's", loaded, *nobody)
        os.chmod(path, 0o777)
        case("a stranger's that all can write", 'is not loaded: it belongs to uid 1234', *nobody)
        os.chown(path, NOBODY, NOBODY)
        case('his own', loaded, *nobody)
    finally:
        subprocess.run(['rm', '-rf', top])


tests(another_users_file_is_refused, our_own_file_is_taken_away_from_others, a_start_that_fails_leaves_the_mode,
      the_next_files_are_judged_too, links, pipes_and_devices, as_another_user, plugins_that_others_could_have_written)
