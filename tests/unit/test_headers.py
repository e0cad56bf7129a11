"""Each public header compiles alone, in every C and C++ that a plugin's author may use."""
import glob, os, shutil, subprocess, sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INCLUDE = os.path.join(TOP, 'core/include')
LANGUAGES = [(compiler, 'c', 'c11') for compiler in ('gcc', 'clang')] + \
    [(compiler, 'c++', standard) for compiler in ('g++', 'clang++') for standard in ('c++11', 'c++14', 'c++17', 'c++20')]
PLUGIN = '''#include <beamtap/%s.h>
static const struct tap_%s_ops ops = {};
extern "C" const struct tap_plugin *beamtap_plugin_v1(void)
{
    static const struct tap_plugin plugin = {TAP_PLUGIN_HEADER};
    return ops.struct_size ? nullptr : &plugin;
}
'''


def compiled(compiler, language, standard, text):
    done = subprocess.run([compiler, '-x', language, '-std=' + standard, '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror',
                           '-Wno-missing-field-initializers', '-fsyntax-only', '-I', INCLUDE, '-'], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode == 0, done.stdout


bad = 0
if compiled('gcc', 'c', 'c11', '#include <beamtap/nothing.h>\n')[0]:
    print('not ok headers.a_missing_header_is_found: it is not')
    bad = 1
for compiler, language, standard in LANGUAGES:
    if not shutil.which(compiler):
        print('# skipped: there is no ' + compiler)
        continue
    texts = {os.path.basename(h): '#include <beamtap/%s>\n' % os.path.basename(h) for h in sorted(glob.glob(INCLUDE + '/beamtap/*.h'))}
    if language == 'c++':
        texts.update({kind + ' in C++': PLUGIN % (kind, kind) for kind in ('sink', 'filter', 'transport')})
    for name, text in texts.items():
        whole, said = compiled(compiler, language, standard, text)
        if not whole:
            bad = 1
            print('not ok headers.%s with %s -std=%s: %s' % (name, compiler, standard, said.replace('\n', ' ')[:600]))
    print('ok headers.%s_%s' % (compiler, standard)) if not bad else None
sys.exit(bad)
