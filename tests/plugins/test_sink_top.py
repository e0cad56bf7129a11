#!/usr/bin/env python3
"""test_sink_top.py: what stands in the tables that the sink `top` writes of recordings that are known. The screen is tested live
(tests/e2e/test_top.py)."""
import os, shutil, sys, tempfile
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


failed = tests('test_sink_top', (a_profile_has_functions_and_no_processes,))
shutil.rmtree(work, ignore_errors=True)
sys.exit(failed > 0)
