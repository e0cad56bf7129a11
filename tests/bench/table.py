"""The bench's table: rows of medians, each beside its peer, and the same as JSON."""
import json, os, platform, statistics, subprocess, time


class Table:
    def __init__(self, judge=True):
        """`judge`: whether budgets are held against the figures; those of a small run say nothing about them."""
        self.rows = []
        self.judge = judge

    def add(self, section, name, figures, unit, peer=None, peer_figures=None, budget=None, least=True, note=''):
        """`figures`: one a round; with `peer_figures`, the ratio is the median of the rounds' ratios. `budget` is judged
        against the ratio where there is a peer, else against the figure; `least`: it may not be below, else not above."""
        row = dict(section=section, name=name, value=statistics.median(figures), unit=unit, rounds=len(figures),
                   low=min(figures), high=max(figures), note=note)
        judged = row['value']
        if peer_figures:
            row['peer'] = peer
            row['ratio'] = judged = statistics.median(a / b for a, b in zip(figures, peer_figures))
        if budget is not None:
            row['budget'] = budget
            if self.judge:
                row['met'] = judged >= budget if least else judged <= budget
        row['least'] = least
        self.rows.append(row)
        self.show(row)

    def show(self, row):
        if not self.rows[:-1] or self.rows[-2]['section'] != row['section']:
            print('\n%s' % row['section'])
        text = '  %-58s %12s %-9s' % (row['name'], number(row['value']), row['unit'])
        if 'ratio' in row:
            text += ' %6.2fx %s' % (row['ratio'], row['peer'])
        if 'budget' in row:
            text += '  [%s %s: %s]' % ('at least' if row['least'] else 'at most', number(row['budget']),
                                       'not judged' if 'met' not in row else 'met' if row['met'] else 'MISSED')
        print(text + ('  (%s)' % row['note'] if row['note'] else ''), flush=True)

    def save(self, path, **facts):
        with open(path, 'w') as out:
            json.dump(dict(facts, rows=self.rows), out, indent=1)
            out.write('\n')


def number(v):
    return '%.0f' % v if abs(v) >= 1000 else '%.1f' % v if abs(v) >= 10 else '%.3g' % v


def facts():
    """Where and when: figures of different machines and loads do not compare."""
    cpu = [line.split(':')[1].strip() for line in open('/proc/cpuinfo') if line.startswith('model name')]
    otp = subprocess.check_output(['erl', '-noshell', '-eval', 'io:put_chars(erlang:system_info(otp_release)),halt().'])
    return dict(cpu=cpu[0] if cpu else platform.machine(), cores=os.cpu_count(), kernel=platform.release(),
                otp=otp.decode(), load_before=os.getloadavg()[0], date=time.strftime('%Y-%m-%d'))
