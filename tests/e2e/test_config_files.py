"""Every INI file of config/ runs against the demo, and shows what its comment promises."""
import csv, glob, json
from lib import *


def demo():
    compile_erlang(*glob.glob(os.path.join(TOP, 'config/demo/*.erl')))
    node = Node('demo')
    node('demo:start()')
    return node


def run_file(node, name):
    text = open(os.path.join(TOP, 'config', name), encoding='utf-8').read()
    return Run(text.replace('beamtap_demo@localhost', node.name), '--set', 'session.duration=1s').ended(0)


def events(run):
    with open(run.path('trace.csv'), newline='', encoding='utf-8') as f:
        return only_events(csv.DictReader(f))


def the_usual_jobs():
    node = demo()
    known = {'quickstart.ini', 'calls.ini', 'messages.ini', 'gen_server.ini', 'processes.ini', 'match_spec.ini', 'jq.ini'}
    assert {os.path.basename(p) for p in glob.glob(os.path.join(TOP, 'config/*.ini'))} == known
    run = run_file(node, 'quickstart.ini')
    kinds = {e['event'] for e in events(run)}
    assert {'function_call', 'function_return', 'message_send', 'message_receive', 'process_spawn', 'process_exit'} <= kinds, kinds
    json.load(open(run.path('trace.json'), encoding='utf-8'))
    run = run_file(node, 'calls.ini')
    assert 'shop_cart:price(apple)' in run.out() and 'no_price' in run.out(), run.out()[:2000]
    run = run_file(node, 'messages.ini')
    pids = {e['pid'] for e in events(run)}
    both = {node('whereis(shop_till)'), node('whereis(shop_stock)')}
    # Pids as text: ask the node how they print.
    assert pids == {node('pid_to_list(whereis(%s))' % p).strip('"') for p in ('shop_till', 'shop_stock')}, (pids, both)
    run = run_file(node, 'gen_server.ini')
    assert 'shop_till:handle_call({pay,' in run.out(), run.out()[:2000]
    run = run_file(node, 'processes.ini')
    assert any('no_such_article' in e['message'] for e in events(run) if e['event'] == 'process_exit')
    run = run_file(node, 'match_spec.ini')
    assert 'shop_cart:total' in run.out() and 'from lists:foldl' in run.out(), run.out()[:2000]
    assert '<- shop_cart:total/1' in run.out(), run.out()[:2000]
    assert not re.search(r'add\(\[.*\], \{apple,', run.out()), run.out()[:2000]
    run = run_file(node, 'jq.ini')
    sent = subprocess.run(['jq', '-r', 'select(.event == "message_send") | .message'], input=run.out(), text=True,
                          stdout=subprocess.PIPE, check=True).stdout
    assert '$gen_call' in sent, sent[:1000]
    assert 'messages of every process' in run.err(), run.err()
    node.clean()


def check_says_what_would_be_traced():
    for path in glob.glob(os.path.join(TOP, 'config/*.ini')):
        run = Run(path, command='check').ended(0)
        assert 'shop' in run.out() or 'process' in run.out(), (path, run.out())
        notes = {'jq.ini': ['messages'], 'match_spec.ini': ['returns']}.get(os.path.basename(path), [])
        assert re.findall(r'^note +(\S+)', run.out(), re.M) == notes, run.out()


def quickstart_leaves_its_files():
    folder = tempfile.mkdtemp(dir=work)
    done = subprocess.run(['sh', os.path.join(TOP, 'config/quickstart.sh')], cwd=folder, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    trace = json.load(open(os.path.join(folder, 'trace.json'), encoding='utf-8'))
    assert any(e.get('cat') == 'call' for e in trace['traceEvents'])
    assert 'ui.perfetto.dev' in done.stdout and 'trace.html' in done.stdout
    page = open(os.path.join(folder, 'trace.html'), encoding='utf-8').read()
    assert page.startswith('<!DOCTYPE html>') and 'shop_customer:visit/1' in page and page.endswith('</html>\n'), page[:200]
    assert os.path.getsize(os.path.join(folder, 'trace.csv')) > 1000


tests(the_usual_jobs, check_says_what_would_be_traced, quickstart_leaves_its_files)
