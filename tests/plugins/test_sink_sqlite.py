#!/usr/bin/env python3
"""test_sink_sqlite.py: what stands in the database that the sink `sqlite` makes of recordings that are known, and that the file is
whole whatever happens: it exists, the disk is full, the run is killed, somebody reads it."""
import csv, json, os, re, shutil, signal, sqlite3, stat, subprocess, sys, tempfile, time
from recording import *

work = tempfile.mkdtemp(prefix='beamtap-sqlite-')
os.chdir(work)


def export(recording, path, *more, code=0):
    with open('in.btf', 'wb') as f:
        f.write(recording)
    return run(BEAMTAP, 'export', 'in.btf', '--sink', 'sqlite:path=' + path, '--json', '--quiet', *more, code=code, out=False)


def ask(path, question):
    db = sqlite3.connect('file:%s?mode=ro' % path, uri=True)
    try:
        return db.execute(question).fetchall()
    finally:
        db.close()


def whole(path):
    return ask(path, 'pragma integrity_check') == [('ok',)]


def calls_have_their_times():
    export(many_calls(), 'calls.db')
    assert whole('calls.db') and not os.path.exists('calls.db-journal')
    assert stat.S_IMODE(os.stat('calls.db').st_mode) == 0o600
    got = ask('calls.db', """select p.pid, f.function, c.depth, (c.start - 1700000000000000000) / 1000, c.duration / 1000, c.own / 1000, c.ended,
                             g.function from calls c join processes p on p.id = c.process join functions f on f.id = c.function
                             left join calls o on o.id = c.caller left join functions g on g.id = o.function order by c.start""")
    p1, p2, p3 = '<0.1.0>', '<0.2.0>', '<0.3.0>'
    assert got == [
        (p1, 'a', 1, 0, 100, 30, 'threw', None), (p1, 'b', 2, 20, 30, 20, 'returned', 'a'), (p2, 'a', 1, 25, 100, 100, 'returned', None),
        (p1, 'c', 3, 30, 10, 10, 'returned', 'b'), (p1, 'b', 2, 60, 40, 10, 'unwound', 'a'), (p1, 'semi;colon', 3, 70, 30, 30, 'unwound', 'b'),
        (p1, 'a', 1, 200, None, None, 'unknown', None), (p3, 'a', 1, 400, 50, 50, 'exited', None), (p3, 'a', 1, 500, None, None, 'unknown', None)], got
    # each call is an event, and its result another
    assert ask('calls.db', """select count(*), count(r.id) from calls c join events e on e.id = c.id join kinds k on k.id = e.kind
                              and k.name = 'function_call' left join events r on r.id = c.result""") == [(9, 4)]
    assert ask('calls.db', 'select kind, events, reason from losses') == [('lost', 3, 'queue')]
    assert ask('calls.db', 'select pid, ended - 1700000000000000000, reason from processes where ended') == [(p3, 450000, 'normal')]


def the_questions_are_answered():
    export(shop(), 'shop.db')
    assert ask('shop.db', 'select * from functions_by_calls') == [('shop_cart:buy/1', 2), ('shop_cart:price/1', 2), ('shop_cart:loop/0', 1)]
    assert ask('shop.db', 'select function, calls, total, own, longest, mean from functions_by_time')[0] == (
        'shop_cart:buy/1', 2, 300000, 300000, 150000, 150000)
    assert ask('shop.db', 'select function, duration, arguments, result, ended from slowest_calls')[:1] == [
        ('shop_cart:buy/1', 150000, '[0]', 'ok', 'returned')]
    senders = ask('shop.db', 'select sender, receiver, messages, received, mean_latency, longest_latency from senders')
    assert senders == [('<0.1.0>', '<0.2.0>', 3, 3, 30000, 50000), ('<0.2.0>', '<0.1.0>', 2, 2, 20000, 20000)], senders
    assert ask('shop.db', 'select sender, receiver, latency, message from slowest_messages')[0] == (
        '<0.1.0>', '<0.2.0>', 50000, "{'$gen_cast',stock}")
    assert ask('shop.db', 'select * from servers') == [('<0.2.0>', 2, 2, 110000, 110000, 20000, 70000)]
    assert ask('shop.db', 'select client, server, request, duration, waiting, handling from slowest_gen_calls') == [
        ('<0.1.0>', '<0.2.0>', '{price,%d}' % n, 110000, 20000, 70000) for n in (0, 1)]
    assert ask('shop.db', 'select * from exits') == [('normal', 1)]
    assert ask('shop.db', 'select p.pid, p.name, q.pid, p.started - 1700000000000000000 from processes p join processes q on q.id = p.parent') == [
        ('<0.3.0>', 'shop_cart:loop/0', '<0.1.0>', 2110000)]
    export(many_calls(), 'calls.db')
    assert ask('calls.db', 'select * from exceptions') == [('shop_cart:a/0', '{error,badarg}', 1)]


def server_that_dies(turns, cut):
    """Two functions that call each other last, with the scheduler's id in each event, as schedule events bring it."""
    r = Recording(['function_call', 'function_exception', 'schedule_in'])
    begun = tuple_of(atom('$beamtap_tail'), tuple_of(atom('proc_lib'), atom('init_p'), integer(3)))
    why = tuple_of(atom('$beamtap_cut'), integer(90000)) if cut else tuple_of(atom('exit'), atom('stop'))
    for turn in range(turns):
        for at, function in enumerate(('main', 'recv')):
            r.event(10 * turn + at, 1, 'call', tuple_of(atom('shop_door'), atom(function), list_of(integer(turn))), begun, integer(2))
    for turn in range(turns):
        for at, function in enumerate(('recv', 'main')):
            r.event(10 * (turns + turn) + at, 1, 'exception_from', tuple_of(atom('shop_door'), atom(function), integer(1)), why, integer(2))
    return r.end()


def a_loop_that_dies_is_told_once():
    """By the README's own question as by the view, whatever else is to be said of an exception: a scheduler, what it had of a reason cut."""
    with open(os.path.join(TOP, 'README.md'), encoding='utf-8') as f:
        asked, = [q for q in re.findall(r'```sql\n(.*?)```', f.read(), re.S) if 'function_exception' in q]
    for cut in (False, True):
        export(server_that_dies(300, cut), 'dies.db', '--sink', 'csv:path=dies.csv', '--sink', 'stdout:path=dies.json,format=json')
        why = '' if cut else '{exit,stop}'
        want = [('shop_door:main/1', why, 1), ('shop_door:recv/1', why, 1)]
        for question in (asked, 'select * from exceptions'):
            told = [(function, said or '', times) for function, said, times in ask('dies.db', question)]
            assert told == want, (cut, question, told)
        assert ask('dies.db', "select metadata from trace where event = 'function_exception' limit 1") == [
            ('scheduler=2%s tail' % (' truncated=90000' if cut else ''),)]
        with open('dies.csv', newline='') as f:
            thrown = [r['metadata'] for r in csv.DictReader(f) if r['event'] == 'function_exception']
        assert len(thrown) == 600 and sum(not m.endswith(' tail') for m in thrown) == 2, thrown[-3:]


def what_is_open_at_the_end_is_there():
    """A request that nobody answers, and one whose server is not traced: they are told when the run ends, after the last flush."""
    r = Recording(['message_send', 'message_receive'])
    request = tuple_of(atom('$gen_call'), tuple_of(pid(1), reference(7)), atom('price'))
    r.send(10, 1, 2, request)
    r.receive(30, 2, 1, request)
    other = tuple_of(atom('$gen_call'), tuple_of(pid(1), reference(8)), atom('sell'))
    r.send(50, 1, 3, other)
    r.receive(90, 1, 3, tuple_of(reference(8), atom('ok')))
    export(r.end(), 'open.db')
    got = ask('open.db', 'select server, calls, answered from servers order by server')
    assert got == [('<0.2.0>', 1, 0), ('not seen', 1, 1)], got
    assert whole('open.db') and not os.path.exists('open.db-journal')


def marked():
    r = Recording(['function_call'])
    for i in range(20):
        r.call(i, 1, 'a')
        if i in (5, 15):
            r.frame(8 | 1, [tuple_of(atom('mark'), binary(b'window %d' % i))])
    return r.end()


def the_rows_are_those_of_csv():
    for n, recording in enumerate((many_calls(), shop(), marked())):
        export(recording, 'rows%d.db' % n, '--sink', 'csv:path=rows%d.csv' % n)
        with open('rows%d.csv' % n, newline='') as f:
            rows = [tuple(r.values()) for r in csv.DictReader(f)]
        got = ask('rows%d.db' % n, """select ts, node, event, coalesce(pid, ''), coalesce(module, ''), coalesce(function, ''), arity, coalesce(peer, ''),
                                      coalesce(message, ''), coalesce(metadata, ''), coalesce(flow, '') from trace""")
        assert [tuple(map(str, r)) for r in got] == rows and len(rows) > 15, (got, rows)
    assert ask('rows2.db', "select message from trace where event = 'mark'") == [('<<"window 5">>',), ('<<"window 15">>',)]


def written_is_what_is_in_it():
    for recording in (many_calls(), shop()):
        sink = json.loads(export(recording, 'written.db'))['sinks'][0]
        there = ask('written.db', "select count(*) from events e join kinds k on k.id = e.kind where k.name not in ('lost', 'node_up', 'node_down')")
        assert sink['written'] == there[0][0] and sink['lost'] == sink['lost_before'] and sink['bytes'] == os.path.getsize('written.db'), (sink, there)


def a_file_that_exists_is_emptied_and_kept_where_there_is_no_run():
    with open('there.db', 'wb') as f:
        f.write(b'something else\n' * 10000)
    with open('empty.btf', 'wb') as f:
        f.write(b'no recording')
    run(BEAMTAP, 'export', 'empty.btf', '--sink', 'sqlite:path=there.db', '--quiet', code=1)
    assert os.path.getsize('there.db') == 150000
    export(shop(), 'there.db')
    assert whole('there.db') and len(ask('there.db', 'select * from calls')) == 5


def what_cannot_be_a_database_is_refused():
    for path in ('-', 'x.db.gz', '/dev/stdout'):
        export(shop(), path, code=2)
    for path in ('/dev/full', 'none/x.db'):
        export(shop(), path, code=1)
    with open('precious', 'w') as f:
        f.write('of somebody else')
    os.chmod('precious', 0o644)
    # where SQLite has its journal: what is none is not touched, nor what it leads to
    os.symlink('precious', 'shop2.db-journal')
    shutil.copy('precious', 'shop3.db-journal')
    os.mkdir('shop4.db-journal')
    for name in ('shop2.db', 'shop3.db', 'shop4.db'):
        export(shop(), name, code=1)
        assert not os.path.exists(name) and os.path.lexists(name + '-journal'), name
    assert open('precious').read() == open('shop3.db-journal').read() == 'of somebody else' and stat.S_IMODE(os.stat('precious').st_mode) == 0o644
    # another sink has that name: who comes second fails
    first, second = 'csv:path=two.db-journal', 'sqlite:path=two.db'
    said = run(BEAMTAP, 'export', 'in.btf', '--sink', first, '--sink', second, code=1)
    assert 'cannot write two.db: another sink' in said and not os.path.exists('two.db') and ',node_up,' in open('two.db-journal').read(), said
    os.remove('two.db-journal')
    said = run(BEAMTAP, 'export', 'in.btf', '--sink', second, '--sink', first, code=1)
    assert 'cannot open two.db-journal: another sink' in said and whole('two.db') and not os.path.exists('two.db-journal'), said


def an_old_journal_goes():
    """That of a killed run, of what was in the file before."""
    for head in (b'', b'\0' * 600, bytes.fromhex('d9d505f920a163d7') + b'\xff' * 600):
        with open('old.db-journal', 'wb') as f:
            f.write(head)
        export(shop(), 'old.db')
        assert whole('old.db') and not os.path.exists('old.db-journal') and len(ask('old.db', 'select * from calls')) == 5
    with open('old.db-journal', 'wb') as f:
        f.write(bytes.fromhex('d9d505f920a163d7'))
    run(BEAMTAP, 'export', 'empty.btf', '--sink', 'sqlite:path=old.db', '--quiet', code=1)
    assert len(ask('old.db', 'select 1')) == 1 and os.path.getsize('old.db-journal') == 8


def names_are_those_of_files():
    for name in (':memory:', 'file:x.db?mode=memory', 'file::memory:'):
        export(shop(), name)
        shutil.copy(name, 'named.db')
        assert whole('named.db') and len(ask('named.db', 'select * from calls')) == 5, name


def many(n):
    r = Recording(['function_call', 'function_return'])
    for i in range(n):
        r.call(i * 10, 1 + i % 100, 'f%d' % (i % 50), integer(i), binary(b'x' * 50))
        r.leave(i * 10 + 5, 1 + i % 100, 'f%d' % (i % 50), 2)
    return r.end()


def large(n):
    r = Recording(['function_call'])
    for i in range(n):
        r.call(i * 10, 1 + i % 100, 'f%d' % (i % 50), integer(i), binary(b'x' * 300))
    return r.end()


def a_full_disk_leaves_what_was_written():
    # the limit is met by a commit, or by pages that are written before it
    for recording, limit in ((many(40000), 8000), (large(40000), 4000), (large(40000), 9000)):
        with open('in.btf', 'wb') as f:
            f.write(recording)
        done = subprocess.run(['sh', '-c', 'ulimit -f %d; exec "$@"' % limit, 'sh', BEAMTAP, 'export', 'in.btf', '--sink', 'sqlite:path=full.db',
                               '--json', '--quiet'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        summary = json.loads(done.stdout)
        sink = summary['sinks'][0]
        there = ask_to_mend('full.db', "select count(*) from events e join kinds k on k.id = e.kind where k.name like 'function%'")[0][0]
        assert done.returncode == 1 and not os.path.exists('full.db-journal') and there == sink['written'] < 80000 and (there > 0 or limit == 4000), (limit, done.returncode, there, sink)
        # with no sink left the run ended
        assert sink['written'] + sink['lost'] + sink['filtered'] == summary['nodes'][0]['received'], sink
        assert 'cannot write full.db' in done.stderr, done.stderr


def a_killed_run_leaves_a_database():
    with open('in.btf', 'wb') as f:
        f.write(many(100000))
    for size in (200000, 2000000, 5000000):
        process = subprocess.Popen([BEAMTAP, 'export', 'in.btf', '--sink', 'sqlite:path=killed.db', '--quiet'], stderr=subprocess.DEVNULL)
        end = time.time() + 60
        while process.poll() is None and time.time() < end and (not os.path.exists('killed.db') or os.path.getsize('killed.db') < size):
            pass
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        events = ask_to_mend('killed.db', 'select count(*), max(id) from events')[0]
        assert events[0] == (events[1] or 0), events
        os.remove('killed.db')


def ask_to_mend(path, question):
    """As a program asks that may write: it takes back what was half written."""
    db = sqlite3.connect(path)
    try:
        assert db.execute('pragma integrity_check').fetchall() == [('ok',)]
        return db.execute(question).fetchall()
    finally:
        db.close()


def it_can_be_read_meanwhile():
    with open('in.btf', 'wb') as f:
        f.write(many(100000))
    process = subprocess.Popen([BEAMTAP, 'export', 'in.btf', '--sink', 'sqlite:path=read.db', '--quiet'], stderr=subprocess.PIPE, text=True)
    seen = 0
    while process.poll() is None:
        try:
            seen = max(seen, ask('read.db', 'select count(*) from events')[0][0])
        except sqlite3.OperationalError:
            pass  # it is not there yet, or writes just now
        time.sleep(0.02)  # who asks all the time leaves it no moment to write
    assert process.returncode == 0, process.stderr.read()
    assert ask('read.db', 'select count(*) from calls') == [(100000,)] and seen <= 200002, seen


def a_reader_in_a_transaction_does_not_stop_it():
    with open('in.btf', 'wb') as f:
        f.write(large(40000))
    reader = "import sqlite3, sys; d = sqlite3.connect('held.db'); d.execute('begin'); d.execute('select * from run').fetchall(); print(flush=True); " \
             "sys.stdin.readline()"
    # the recording comes by a pipe: the reader is there before most of it
    process = subprocess.Popen([BEAMTAP, 'export', '-', '--sink', 'sqlite:path=held.db', '--json', '--quiet'], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    with open('in.btf', 'rb') as f:
        recording = f.read()
    process.stdin.write(recording[:200000])
    process.stdin.flush()
    end = time.time() + 60
    while time.time() < end and not (os.path.exists('held.db') and os.path.getsize('held.db')):
        time.sleep(0.01)
    holds = subprocess.Popen([sys.executable, '-c', reader], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holds.stdout.readline()
    began = time.time()
    process.stdin.write(recording[200000:])
    process.stdin.close()
    time.sleep(2)
    holds.communicate(b'\n')
    sink = json.loads(process.stdout.read())['sinks'][0]
    assert process.wait() == 0 and sink['written'] == 40000 and time.time() - began < 60, (sink, time.time() - began)
    assert whole('held.db') and ask('held.db', 'select count(*) from calls') == [(40000,)]


def main():
    try:
        if not os.path.exists(BUILD + '/plugins/beamtap_sink_sqlite.so'):
            print('# skipped: there is no sink sqlite in this build, for SQLite is missing')
            return 0
        return 1 if tests('sqlite', (calls_have_their_times, the_questions_are_answered, a_loop_that_dies_is_told_once, what_is_open_at_the_end_is_there, the_rows_are_those_of_csv, written_is_what_is_in_it,
                                     a_file_that_exists_is_emptied_and_kept_where_there_is_no_run, what_cannot_be_a_database_is_refused, an_old_journal_goes, names_are_those_of_files,
                                     a_full_disk_leaves_what_was_written, a_killed_run_leaves_a_database, it_can_be_read_meanwhile,
                                     a_reader_in_a_transaction_does_not_stop_it)) else 0
    finally:
        shutil.rmtree(work)


sys.exit(main())
