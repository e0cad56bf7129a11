"""The README's questions to the table: each is asked as it stands there, of a table that the demo shop gave, and the answer
is counted again from the rows. The database of the sink `sqlite` answers the same, and its views do."""
import collections, csv
from lib import *

demo = os.path.join(TOP, 'config/demo')
compile_erlang(*[os.path.join(demo, f) for f in sorted(os.listdir(demo)) if f.endswith('.erl')])
node = Node()
node('demo:start()')
DATABASE = ()  # where SQLite's library was there when it was built
if os.path.exists(BUILD + '/plugins/beamtap_sink_sqlite.so'):
    DATABASE = '--set', 'sink:sqlite.path=trace.sqlite'
run = Run(os.path.join(TOP, 'config/quickstart.ini'), '--json', '--set', 'session.duration=1500ms',
          '--set', 'session.nodes=' + node.name, *DATABASE).ended(0)
node.stop()
with open(os.path.join(TOP, 'README.md'), encoding='utf-8') as f:
    questions = re.findall(r'```sql\n(.*?)```', f.read(), re.S)
with open(run.path('trace.csv'), newline='', encoding='utf-8') as f:
    rows = only_events(csv.DictReader(f))
invariant(run.summary())


def answer(question, *where):
    """What sqlite3 says, without any option but how to show it."""
    where = where or (':memory:', '.import --csv trace.csv trace')
    done = subprocess.run(['sqlite3', *where, '.mode json', question], cwd=run.dir, stdout=subprocess.PIPE, check=True)
    return [tuple(row.values()) for row in json.loads(done.stdout or b'[]')]


def function(row):
    return '%s:%s/%s' % (row['module'], row['function'], row['arity'])


def counted(event, *columns):
    count = collections.Counter(tuple(c(r) for c in columns) for r in rows if r['event'] == event)
    return sorted(((*key, n) for key, n in count.items()), key=lambda row: (-row[-1], row))


def which_functions_are_called_most():
    got = answer(questions[0])
    assert got == counted('function_call', function)[:5] and len(got) == 5, got


def who_sends_most_to_whom():
    got = answer(questions[1])
    assert got == counted('message_send', lambda r: r['pid'], lambda r: r['peer'])[:5] and len(got) == 5, got


def what_went_wrong():
    got = answer(questions[2])
    assert got == counted('function_exception', function, lambda r: r['message']) and got, got
    assert ('shop_cart:price/1', '{error,{no_price,diamond}}') == got[0][:2], got


def the_database_answers_the_same():
    if not DATABASE:
        print('# skipped: there is no sink sqlite in this build')
        return
    for question in questions:
        # a table's cells guard names against being misread, with quotes; the database has them bare
        got, want = ([tuple(str(v).replace("'", '') for v in row) for row in answer(question, *where)] for where in (('trace.sqlite',), ()))
        assert got == want != [], (question, got, want)
    assert answer('select * from functions_by_calls', 'trace.sqlite') == counted('function_call', function)
    assert answer('select * from exceptions', 'trace.sqlite')[0][:2] == ('shop_cart:price/1', '{error,{no_price,diamond}}')
    written = {s['sink']: s['written'] for s in run.summary()['sinks']}
    there = answer("select count(*) from trace where event not in ('lost', 'gap', 'node_up', 'node_down', 'returns_off')", 'trace.sqlite')
    assert there == [(written['sink:sqlite'],)] == [(written['sink:csv'],)], (there, written)
    # a pair of processes is one row, of all messages between them, and no message came before it was sent
    assert answer('select sum(messages) from senders', 'trace.sqlite') == answer("select count(*) from trace where event = 'message_send'")
    assert answer('select count(*) from messages where latency < 0', 'trace.sqlite') == [(0,)]


def there_are_three():
    assert len(questions) == 3


tests(there_are_three, which_functions_are_called_most, who_sends_most_to_whom, what_went_wrong,
      the_database_answers_the_same)
