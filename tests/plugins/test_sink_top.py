#!/usr/bin/env python3
"""test_sink_top.py: what stands in the tables that the sink `top` writes of recordings that are known. The screen is tested live
(tests/e2e/test_top.py)."""
import copy, os, shutil, sys, tempfile
from recording import *

work = tempfile.mkdtemp(prefix='beamtap-top-')
os.chdir(work)


def tables(recording):
    """{what a row is called: [(name, {title: number}), ...]}, as they stand in the file."""
    with open('in.btf', 'wb') as f:
        f.write(recording)
    run(BEAMTAP, 'export', 'in.btf', '--sink', 'top:path=top.txt', '--quiet')
    found, rows, titles = {}, None, []
    with open('top.txt', encoding='utf-8') as f:
        for line in f.read().split('\n')[1:]:
            last = next((name for name in ('FUNCTION', 'PROCESS', 'FROM -> TO', 'CALLER -> SERVER') if line.endswith(' ' + name)), None)
            if last:
                titles, rows = line[:-len(last)].replace('REQUEST,', '').split(), found.setdefault(last, [])
            elif line:
                *cells, name = line.split(None, len(titles))
                rows.append((name, dict(zip(titles, cells))))
    return found


def a_profile_has_functions_and_no_processes():
    for timed in (True, False):
        found = tables(profile(timed=timed, memory=timed))
        assert list(found) == ['FUNCTION'], found
        (add, a), (price, p) = found['FUNCTION']
        assert (add, price) == ('shop_cart:add/2', 'shop_cart:price/1'), found
        assert (a['CALLS'], p['CALLS'], a['CALLS/S'], a['THROWN']) == ('40', '5', '40000', '-'), found
        times = [(row['TOTAL'], row['MEAN'], row['MAX']) for row in (a, p)]
        assert times == ([('700.0us', '17.5us', '-'), ('1500.0us', '300.0us', '-')] if timed else [('-', '-', '-')] * 2), found


def mailboxes(r, us, lengths):
    r.frame(8 | 1, [tuple_of(atom('mailboxes'), integer(us * 1000), list_of(*[tuple_of(pid(n), integer(length)) for n, length in lengths.items()]))])


def who_is_gone_has_no_mailbox():
    """(2) ended and said so; (3) did not, and is in none of the reports any more. Of (4) a report is behind its end, and from before."""
    r = Recording(['message_send', 'process_exit'])
    for n in (1, 2, 3, 4):
        r.send(n, n, 9, atom('hello'))
    mailboxes(r, 100, {1: 7, 2: 8, 3: 9, 4: 10, 5: 0})
    mailboxes(r, 200, {1: 5, 2: 3, 3: 1, 4: 1, 5: 0})
    r.event(300, 2, 'exit', atom('normal'))
    r.event(300, 4, 'exit', atom('killed'))
    mailboxes(r, 250, {4: 12})
    lengths = lambda data: {name: (row['MAILBOX'], row['LONGEST']) for name, row in tables(data)['PROCESS']}
    still = copy.deepcopy(r).end()
    assert lengths(still) == {'<0.1.0>': ('5', '7'), '<0.2.0>': ('-', '8'), '<0.3.0>': ('1', '9'), '<0.4.0>': ('-', '10')}, lengths(still)
    for n in range(20):
        mailboxes(r, 400 + n, {1: 6})
    gone = r.end()
    assert lengths(gone) == {'<0.1.0>': ('6', '7'), '<0.2.0>': ('-', '8'), '<0.3.0>': ('-', '9'), '<0.4.0>': ('-', '10')}, lengths(gone)


def a_name_that_was_given_up_is_anothers():
    r = Recording(['message_send', 'process_exit', 'process_register', 'process_unregister'])
    for n, tag in ((1, 'register'), (1, 'unregister'), (2, 'register')):
        r.event(n, n, tag, atom('leader'))
    r.event(10, 3, 'register', atom('worker'))
    r.event(11, 3, 'exit', atom('normal'))
    r.event(12, 3, 'unregister', atom('worker'))  # by its end: it had the name
    found = {name for name, _ in tables(r.end())['PROCESS']}
    assert found == {'<0.1.0>', 'leader <0.2.0>', 'worker <0.3.0>'}, found


failed = tests('test_sink_top', (a_profile_has_functions_and_no_processes, who_is_gone_has_no_mailbox,
                                 a_name_that_was_given_up_is_anothers))
shutil.rmtree(work, ignore_errors=True)
sys.exit(failed > 0)
