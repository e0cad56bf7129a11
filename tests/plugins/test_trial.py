#!/usr/bin/env python3
"""test_trial.py: `beamtap plugins --test`: every plugin of this build passes, and each of the bad ones in bad/ is caught
with the sentences that its own first lines name ("told: ...")."""
import concurrent.futures, glob, http.server, os, re, subprocess, sys, tempfile, threading

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, 'tests', 'e2e'))
import recordings
BUILD = os.environ.get('BEAMTAP_BUILD', os.path.join(TOP, 'build', 'release'))
BEAMTAP = os.path.join(BUILD, 'beamtap')
SANITIZED = os.path.basename(BUILD) in ('asan', 'tsan')  # its allocator tells glibc nothing
NEEDED = {  # what has no default
    'transport:port': ['transport:port.address=localhost:1'], 'filter:nodes': ['filter:nodes.nodes=shop@*'],
    'filter:match_spec': ['filter:match_spec.trace=shop_cart:add/2', 'filter:match_spec.trace=send(_, {order, _})'],
    'filter:modules': ['filter:modules.modules=shop_*'], 'filter:pids': ['filter:pids.pids=<0.11.0>'], 'sink:pipe': ['sink:pipe.command=cat >/dev/null']}


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes whatever the sink otlp sends."""
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length']))
        self.send_response(200)
        self.send_header('Content-Length', '0')
        self.end_headers()

    def log_message(self, *_):
        pass


def collector():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Collector)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return 'http://127.0.0.1:%d' % server.server_port


def trial(plugin, *more, folder=None):
    env = dict(os.environ)
    env['BEAMTAP_PLUGIN_PATH'] = folder or ''
    if SANITIZED:  # what a plugin's process leaves behind when it is ended is no leak of its own
        env['ASAN_OPTIONS'] = 'detect_leaks=0:handle_segv=0:handle_abort=0:allow_user_segv_handler=1'
    done = subprocess.run([BEAMTAP, 'plugins', '--test', plugin, *more], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=env, timeout=300)
    return done.returncode, done.stdout.decode('utf-8', 'replace')


def passes(plugin):
    sets = [word for s in NEEDED.get(plugin, []) for word in ('--set', s)]
    code, text = trial(plugin, *sets)
    return None if code == 0 and text.endswith('nothing is wrong\n') else 'exit code %d: %s' % (code, text)


def caught(source, folder):
    name = os.path.splitext(os.path.basename(source))[0]
    with open(source) as text:
        told = re.findall(r'^ \* told: (.*)$', text.read(), re.M)
    so = os.path.join(folder, 'beamtap_sink_bad_%s.so' % name)
    subprocess.run(['cc', '-shared', '-fPIC', '-fvisibility=hidden', '-O1', '-g', '-Wall', '-Werror',
                    '-I%s/core/include' % TOP, '-DNAME="bad_%s"' % name, '-o', so, source], check=True)
    code, text = trial('sink:bad_' + name, '--timeout', '0.5s' if name == 'hangs' else '10s', folder=folder)
    if SANITIZED:
        told = [t for t in told if 'each life leaves' not in t and 'of each event' not in t]
    missing = [t for t in told if t not in text]
    if not told or missing:
        return 'not told: %s; but: %s' % (missing, text)
    if code != (0 if name == 'right' else 1):
        return 'exit code %d' % code
    return None


PAGE = {  # the plugins that plugins/README.md shows, and what they need
    'sink:lines': [], 'filter:arity': [], 'transport:frames': ['transport:frames.path=/dev/null', 'transport:frames.node=shop@web1']}


def documented(folder):
    """They are right as they stand there; and the transport and the filter do what is said of them."""
    for plugin, sets in PAGE.items():
        file = 'beamtap_' + plugin.replace(':', '_')
        with open(os.path.join(TOP, 'plugins', 'README.md'), encoding='utf-8') as text:
            code = re.search(r'```c\n(/\* %s\.c.*?)```' % file, text.read(), re.S).group(1)
        with open(os.path.join(folder, file + '.c'), 'w') as out:
            out.write(code)
        subprocess.run(['cc', '-std=c11', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-fvisibility=hidden', '-I%s/core/include' % TOP,
                        '-o', os.path.join(folder, file + '.so'), out.name], check=True)
        code, text = trial(plugin, *(word for s in sets for word in ('--set', s)), folder=folder)
        if code != 0:
            return '%s: %s' % (plugin, text)
    config = os.path.join(folder, 'page.ini')
    with open(config, 'w') as out:
        out.write('[session]\nnodes = shop@web1\nduration = 0\n[transport:frames]\npath = %s/plugins/template/one_call.btf\nnode = shop@web1\n'
                  '[filter:arity]\n[sink:csv]\npath = -\ncolumns = event, function, arity\n' % TOP)
    for least, want in ((2, 1), (3, 0)):
        done = subprocess.run([BEAMTAP, 'run', config, '--quiet', '--set', 'filter:arity.least=%d' % least], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ, BEAMTAP_PLUGIN_PATH=folder))
        if done.returncode != 0 or done.stdout.count('function_call,add,2') != want:
            return 'exit code %d: %s' % (done.returncode, done.stdout)
    return None


SHOP = os.path.join(TOP, 'plugins/template/shop.btf')


def filter_of_a_recording(folder):
    """It is given the recording's events, too: this one is right until then. What it must be told has a sample."""
    with open(os.path.join(TOP, 'plugins', 'README.md'), encoding='utf-8') as text:
        code = re.search(r'```c\n(/\* beamtap_filter_arity\.c.*?)```', text.read(), re.S).group(1)
    code = code.replace('.def = "1", ', '.flags = TAP_OPT_REQUIRED, ').replace('"arity"', '"late"')
    code = code.replace('static enum tap_status create', '#include <string.h>\nstatic const struct tap_host *ours;\nstatic enum tap_status create')
    code = code.replace('    *self = own;\n', '    *self = own;\n    ours = host;\n')
    code = code.replace('    for (uint32_t i', '    if (strcmp(ours->run_info->run, "0123456789abcdef") != 0)\n        abort();\n    for (uint32_t i')
    source = os.path.join(folder, 'late.c')
    with open(source, 'w') as out:
        out.write(code)
    subprocess.run(['cc', '-std=c11', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-fvisibility=hidden', '-I%s/core/include' % TOP,
                    '-o', os.path.join(folder, 'beamtap_filter_late.so'), source], check=True)
    code, text = trial('filter:late', folder=folder)
    if code != 0:
        return 'without a recording: %s' % text
    code, text = trial('filter:late', SHOP, folder=folder)
    return None if code == 1 and re.search(r'wrong  a recording\n +it crashed in filter \(SIGABRT\)\n1 thing', text) else text


def hang_with_a_recording(folder):
    """A recording has no end by time: who waits for ever is ended all the same."""
    subprocess.run(['cc', '-shared', '-fPIC', '-fvisibility=hidden', '-Wall', '-Werror', '-I%s/core/include' % TOP, '-DNAME="waits"',
                    '-DWHERE="consume"', '-DHOW=HANG', '-o', os.path.join(folder, 'beamtap_sink_waits.so'),
                    os.path.join(HERE, 'fatal', 'fatal.c')], check=True)
    path = os.path.join(folder, 'large.btf')
    with open(path, 'wb') as out:  # more than may wait for a sink
        r = recordings.Recording(out)
        for i in range(300):
            r.calls(1000 * i, 1000, 10**6 * i, 10)
        r.end(300000)
    for recording, operation in ((path, 'consume or flush'), (SHOP, 'consume, flush or stop')):
        code, text = trial('sink:waits', recording, '--timeout', '500ms', folder=folder)
        if code != 1 or not re.search(r'wrong  a recording\n +%s did not come back within 0.5 s\n' % operation, text):
            return '%s: exit code %d: %s' % (recording, code, text)
    return None


def usage():
    for words, want in ((['--test'], 2), (['--test', 'sink:none'], 1), (['--test', 'sunk:csv'], 2),
                        (['--test', 'sink:csv', '--timeout', 'soon'], 2), (['--test', 'sink:csv', '--set', 'csv.gzip=true'], 2),
                        (['--test', 'sink:csv', 'no.btf'], 2)):
        done = subprocess.run([BEAMTAP, 'plugins', *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        if done.returncode != want or not done.stdout + done.stderr:
            return '%s: exit code %d' % (words, done.returncode)
    return None


def fixed(folder):
    """What --set gives is not varied: behind another port nobody may listen."""
    code, text = trial('sink:bad_port', '--set', 'sink:bad_port.size=4k', folder=folder)
    return None if code == 0 else 'exit code %d: %s' % (code, text)


def left():
    """Nothing of the trials is left in the folder that they were in."""
    with tempfile.TemporaryDirectory() as tmp:
        done = subprocess.run([BEAMTAP, 'plugins', '--test', 'sink:csv'], stdout=subprocess.DEVNULL, env=dict(os.environ, TMPDIR=tmp))
        there = os.listdir(tmp)
    return None if done.returncode == 0 and not there else 'exit code %d, left: %s' % (done.returncode, there)


def main():
    failed, jobs = 0, {}
    built = [m.groups() for p in sorted(glob.glob(BUILD + '/plugins/*.so'))
             for m in [re.search(r'beamtap_(transport|filter|sink)_(\w+)\.so$', p)] if m]
    sources = sorted(glob.glob(HERE + '/bad/*.c'))
    NEEDED['sink:otlp'] = ['sink:otlp.endpoint=' + collector()]
    assert len(built) >= 13 and len(sources) > 10, (built, sources)
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        for kind, name in built:
            jobs['%s_%s_passes' % (kind, name)] = pool.submit(passes, '%s:%s' % (kind, name))
        for source in sources:
            name = os.path.splitext(os.path.basename(source))[0]
            jobs['%s_is_caught' % name if name != 'right' else 'one_that_is_right_passes'] = pool.submit(caught, source, folder)
        jobs['the_documented_one_passes'] = pool.submit(documented, folder)
        jobs['a_filter_gets_the_recording'] = pool.submit(filter_of_a_recording, folder)
        jobs['a_hang_with_a_recording_ends'] = pool.submit(hang_with_a_recording, folder)
        jobs['wrong_use_is_told'] = pool.submit(usage)
        jobs['nothing_is_left'] = pool.submit(left)
        jobs['what_set_gives_is_not_varied'] = pool.submit(lambda: jobs['port_is_caught'].result() or fixed(folder))
        for name, job in jobs.items():
            try:
                why = job.result()
            except Exception as error:
                why = repr(error)
            print('not ok %s: %s' % (name, why.replace('\n', '\n    ')) if why else 'ok %s' % name, flush=True)
            failed += bool(why)
    return 1 if failed else 0


sys.exit(main())
