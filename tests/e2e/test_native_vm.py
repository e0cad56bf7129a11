"""The native tracer's library in a VM, without agent and collector: loaded, used under load and unloaded again and again, with every
flag, tiny and large limits, processes killed while they trace, schedulers that come and go. In the sanitizers' build under theirs.

BEAMTAP_NATIVE_ROUNDS: how often (60).
"""
from lib import *

LIBRARY = os.path.join(BUILD, 'tests', 'beamtap_native_00000000')
BEAM = os.path.join(TOP, 'plugins/transports/beam/native/beamtap_native.beam')


def the_beam_is_current():
    made = os.path.join(work, 'native.beam')
    if subprocess.run(['erl', '-noshell', '-eval', 'io:put_chars(erlang:system_info(otp_release)), halt().'], stdout=subprocess.PIPE,
                      check=True).stdout != b'25':
        print('# skipped: the beam is made by OTP 25')
        return
    subprocess.run(['escript', os.path.join(TOP, 'plugins/transports/beam/native/build.escript'), made], check=True)
    with open(made, 'rb') as a, open(BEAM, 'rb') as b:
        assert a.read() == b.read(), 'beamtap_native.beam is not what native.erl gives; run build.escript'


def it_comes_and_goes():
    environment = dict(env)
    if os.path.basename(BUILD) == 'asan':
        found = [subprocess.run(['gcc', '-print-file-name=lib%s.so' % name], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
                 for name in ('asan', 'ubsan')]
        environment.update(LD_PRELOAD=' '.join(os.path.realpath(f) for f in found), ASAN_OPTIONS='detect_leaks=0:verify_asan_link_order=0:'
                           'handle_segv=0:use_sigaltstack=0:detect_stack_use_after_return=0', UBSAN_OPTIONS='print_stacktrace=1')
    folder, beam, library = work, BEAM, LIBRARY
    erl = ['erl']
    if ROOT:
        subprocess.run(['cp', BEAM, LIBRARY + '.so', work], check=True)
        beam, library = os.path.join(work, os.path.basename(BEAM)), os.path.join(work, os.path.basename(LIBRARY))
        erl = ['chroot', ROOT, 'erl']
        # OTP 29 loads no binary patterns that OTP 25 has compiled.
        subprocess.run(['cp', os.path.join(E2E, 'e2e_native_vm.erl'), work], check=True)
        subprocess.run(['chroot', ROOT, 'erlc', '-o', work, os.path.join(work, 'e2e_native_vm.erl')], check=True)
    else:
        compile_erlang('e2e_native_vm.erl')
    rounds = int(os.environ.get('BEAMTAP_NATIVE_ROUNDS', 60))
    vm = subprocess.Popen([*erl, '-noshell', '-pa', folder, '-eval', 'e2e_native_vm:main("%s", "%s", %d)' % (beam, library, rounds)],
                          env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    started.append(vm)
    said, figures = '', None
    for line in vm.stdout: # until it ends, or has done all
        said += line
        figures = re.fullmatch(r'rounds (\d+) produced (\d+) lost (\d+)\n', line)
        if figures:
            break
    assert figures, said[-3000:]
    print('# %s rounds, %s events, of which %s were too many' % figures.groups())
    with open('/proc/%d/maps' % vm.pid, encoding='utf-8') as f:
        assert 'beamtap_native_' not in f.read(), 'the library is still there'
    vm.communicate('\n', timeout=PATIENCE)
    assert vm.returncode == 0 and 'runtime error' not in said, (vm.returncode, said[-3000:])
    assert int(figures.group(1)) == rounds and int(figures.group(2)) > 100 * rounds


tests(the_beam_is_current, it_comes_and_goes)
