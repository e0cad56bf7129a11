"""A host program's locale changes nothing that is read or written: match specs, calls and the summary in de_DE."""
from lib import *

compile_erlang('e2e_call.erl')
locales = os.path.join(work, 'locales')
os.mkdir(locales)
subprocess.run(['localedef', '-i', 'de_DE', '-f', 'ISO-8859-1', os.path.join(locales, 'de_DE')], check=True)
program = os.path.join(work, 'locale_uses')
library = os.path.join(BUILD, 'lib')
subprocess.run(['gcc', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-I', os.path.join(TOP, 'core/include'), '-o', program,
                os.path.join(E2E, 'locale_uses.c'), '-L', library, '-lbeamtap'], check=True)


def numbers_are_those_that_are_written():
    node = Node()
    node('spawn(fun() -> (fun F() -> [e2e_call:echo(X) || X <- [1.2, 1.4, 1.6]], receive after 2 -> F() end end)() end), ok')
    done = subprocess.run([program, 'de_DE', node.name], cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=2 * PATIENCE, env=dict(env, LOCPATH=locales, LD_LIBRARY_PATH=library,
                                                         BEAMTAP_PLUGIN_PATH=os.path.join(BUILD, 'plugins')))
    assert done.returncode == 0, (done.stdout, done.stderr)
    lines = done.stdout.splitlines()
    assert lines[:2] == ['call {1.5,2.5e-10,-1234.5678901}', 'call {1.5, 2.5e-10, -1234.5678901}'], lines[:2]
    # Until its heap was looked at a process calls without arguments.
    assert len(lines) == 42 and set(lines[2:]) - {'event '} == {'event [1.6]', 'event 1.6'}, sorted(set(lines))
    with open(os.path.join(work, 'summary.txt'), encoding='utf-8') as f:
        text = f.read()
    assert re.match(r'\d+ events in \d+\.\d{3} s: ', text), text[:300]
    assert re.search(r'^ +\d+(?: +\d+\.\d [um]s){6}  e2e_call:echo/1$', text, re.M), text
    node.clean()


def a_module_may_have_any_name():
    """On a node whose file names are UTF-8: it is found in the path, and loaded, so that no call is missed."""
    node = Node(args=['+fnu'])
    name = 'gr\u00f6\u00dfe'
    node("(fun() -> {ok, M, B} = compile:forms([{attribute,1,module,'%s'},{attribute,1,export,[{f,1}]}, {function,1,f,1,"
         "[{clause,1,[{var,1,'X'}],[],[{var,1,'X'}]}]}]), ok = file:write_file(\"%s/\" ++ atom_to_list(M) ++ \".beam\", B) end)()"
         % (name, work))
    run = Run("[session]\nnodes = %s\nevents = function_call\nduration = 0\n[filter:match_spec]\ntrace = %s:f/1\n"
              "[sink:stdout]\npath = trace.txt\n" % (node.name, name))
    wait_for(lambda: 'not loaded yet, and loaded now' in run.err() or run.process.poll() is not None, 'a run that loads the module')
    wait_for(lambda: node("'%s':f(1)" % name) == '1' and run.process.poll() is not None
             or name in run.read('trace.txt'), 'a call of the module')
    run.interrupt()
    assert run.code == 0 and name in run.read('trace.txt'), run.err()
    node.clean()


tests(a_module_may_have_any_name, numbers_are_those_that_are_written)
