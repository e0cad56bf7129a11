"""Pictures: what is hard to draw, from a live node, against the exact picture that it has to give."""
from lib import *

INI = """[session]
nodes = %s
events = %s
max_rate = 0
max_memory = 1G
max_queue = 1M
max_events = 0
[filter:modules]
modules = e2e_pictures, e2e_reload
[sink:chrome]
path = trace.json
queue = 256M
[sink:csv]
path = trace.csv
queue = 256M
"""
CALLS = 'function_call, function_return, function_exception, message_receive, process_start, process_exit'


def reload_source(version, more):
    return """-module(e2e_reload).
-export([hold/1, version/0]).
hold(F) -> {%d, F()}.
version() -> %d%s.
""" % (version, version, more)


def compiled(version, folder, more=''):
    os.makedirs(folder, exist_ok=True)
    with open(folder + '/e2e_reload.erl', 'w') as f:
        f.write(reload_source(version, more))
    subprocess.run(['erlc', '-o', folder, folder + '/e2e_reload.erl'], check=True)


class Timeline:
    def __init__(self, run):
        self.trace = json.loads(run.read('trace.json'))
        self.other = self.trace['otherData']

    def picture(self, pid):
        """A process's track as text: slices by depth in the order of their begins, instants with a star."""
        events = self.trace['traceEvents']
        [tid] = {e['tid'] for e in events if e['name'] == 'thread_name' and e['args']['name'].endswith(pid)}
        mine = sorted((e for e in events if e['tid'] == tid and e['ph'] in 'XBi'), key=lambda e: e['ts'])
        assert len({e['ts'] for e in mine}) == len(mine), 'two at one time'
        lines, open_until = [], []
        for e in mine:
            while open_until and open_until[-1] < e['ts']:
                open_until.pop()
            indent = '  ' * len(open_until)
            if e['ph'] != 'i':
                end = e['ts'] + e['dur'] if e['ph'] == 'X' else float('inf')
                assert not open_until or end < open_until[-1] or end == float('inf'), 'it outlives what it is in'
                open_until.append(end)
            lines.append(indent + ('* ' if e['ph'] == 'i' else '') + self.line(e))
        return lines

    @staticmethod
    def line(e):
        args = dict(e.get('args', {}))
        text = e['name'].replace('e2e_pictures:', '')
        if 'args' in args:
            text += ' ' + args.pop('args')
        for key, value in sorted(args.items()):
            text += ' %s=%s' % (key, value)
        return text + (' unfinished' if e['ph'] == 'B' else '')


def same(got, want):
    got, want = '\n'.join(got), '\n'.join(want.strip('\n').split('\n')) if isinstance(want, str) else '\n'.join(want)
    assert got == want, 'the picture is\n%s\nand not\n%s' % (got[:3000], want[:3000])


def traced(cases, events=CALLS):
    compile_erlang('e2e_pictures.erl')
    compiled(1, work + '/v1')
    compiled(2, work, ' + 0')
    node = Node()
    node('code:load_abs("%s/v1/e2e_reload")' % work)
    node('code:ensure_loaded(e2e_pictures)')
    run = Run(INI % (node.name, events), '--json')
    node.traced()
    # The file is there before the run has begun: interrupted before that it leaves no output.
    wait_for(lambda: os.path.getsize(run.path('trace.csv')) > 0, 'the run to have begun')
    pids = {case: node('e2e_pictures:run(%s)' % case) for case in cases}
    run.interrupt()
    assert run.code == 0, run.err()
    node.stop()
    invariant(run.summary())
    assert all(s['lost'] == 0 for s in run.summary()['sinks']), run.summary()['sinks']
    timeline = Timeline(run)
    timeline.pids, timeline.csv = pids, run.path('trace.csv')
    timeline.release = int(run.summary()['nodes'][0]['release'])
    return timeline


def stairs(first, lines):
    """Each one step further in."""
    return ['  ' * (first + i) + line for i, line in enumerate(lines)]


def life(case, end='normal'):
    return ['%s/0 exit=%s' % (case, end), '  start function={e2e_pictures,%s,[]} parent=<>' % case]


def the_picture_of(case, timeline):
    got = timeline.picture(timeline.pids[case])
    return [re.sub(r'<0\.\d+\.\d+>', '<>', line) for line in got]


def deep_recursion():
    """Of a function's calls of itself 32 are drawn, the others are counted in the last one."""
    calls = ['down/1 [%d] result=%d' % (n, n) for n in range(100000, 100000 - 32, -1)]
    calls[-1] = calls[-1].replace('result', 'collapsed_calls=%d result' % (100001 - 32))
    same(the_picture_of('deep', timeline), life('deep') + ['  deep/0 [] result=100000'] + stairs(2, calls))


def deep_recursion_of_two():
    """500 are drawn on top of each other, the others are counted in the last one."""
    calls = ['%s/1 [%d] result=%d' % ('odd' if n % 2 else 'even', n, n) for n in range(100000, 100000 - 499, -1)]
    calls[-1] = calls[-1].replace('result', 'calls_too_deep=%d result' % (100001 - 499))
    same(the_picture_of('deep_pair', timeline), life('deep_pair') + ['  deep_pair/0 [] result=100000'] + stairs(2, calls))


def mutual_tail_calls():
    """Each takes the place of the one before: a loop of two, whose turns are counted in the second."""
    calls = ['ping/1 [1000] result=done', 'pong/1 [999] collapsed_calls=%d result=done' % (1001 - 2)]
    same(the_picture_of('tail', timeline), life('tail') + ['  tail/0 [] result=done'] + stairs(2, calls))


def exception_through_fifty_frames():
    calls = ['%s/1 [%d] exception={throw,high}' % ('up' if n % 2 else 'over', n) for n in range(49, -1, -1)]
    same(the_picture_of('fifty', timeline), life('fifty') + ['  fifty/0 [] result=caught'] +
         stairs(2, calls + ['* exception exception={throw,high}']))


def catch_and_rethrow():
    """An exception is marked where it begins: the second one in its catch."""
    same(the_picture_of('rethrow', timeline), life('rethrow') + """
  rethrow/0 [] result={caught,{again,first}}
    outer/1 [first] result={caught,{again,first}}
      middle/1 [first] exception={error,{again,first}}
        inner/1 [first] exception={error,first}
          * exception exception={error,first}
        * exception exception={error,{again,first}}""".split('\n')[1:])


def exit_from_outside():
    """OTP 25 tells of an exception in each frame, newer ones of the exit alone."""
    same(the_picture_of('told_to_exit', timeline), life('told_to_exit', 'told') + ("""
  told_to_exit/0 [] exception={exit,told}
    waits/1 [a_while] exception={exit,told}
      * exception exception={exit,told}""" if timeline.release < 26 else """
  told_to_exit/0 [] end=process exit
    waits/1 [a_while] end=process exit""").split('\n')[1:])


def dies_in_the_middle():
    got = the_picture_of('dies', timeline)
    assert got[0].startswith('dies/0 exit={badarith,[{e2e_pictures,broken,1,[{file,'), got[0]
    same(got[1:], life('dies')[1:] + """
  dies/0 [] exception={error,badarith}
    level_of_death/1 [1] exception={error,badarith}
      broken/1 [1] exception={error,badarith}
        zero/0 [] result=0
        * exception exception={error,badarith}""".split('\n')[1:])


def code_reload_in_the_middle():
    """The call that was under way in the old code returns, calls of the new code are drawn in it."""
    got = [re.sub(r'#Fun<[^>]*>', 'F', line) for line in the_picture_of('reloaded', timeline)]
    same(got, life('reloaded') + """
  reloaded/0 [] result={1,2}
    e2e_reload:hold/1 [F] result={1,2}
      reload/0 [] result=2
        receive from=<> message=reloaded
        e2e_reload:version/0 [] result=2""".split('\n')[1:])


def timeouts_in_receive():
    same(the_picture_of('timeouts', timeline), life('timeouts') + """
  timeouts/0 [] result=slept
    sleeps/1 [10] result=slept
      receive timeout
    sleeps/1 [20] result=slept
      receive timeout""".split('\n')[1:])
    events = {e['ts']: e for e in timeline.trace['traceEvents'] if e.get('name') == 'e2e_pictures:sleeps/1'}
    assert [round(events[ts]['dur'] / 1000) >= ms for ts, ms in zip(sorted(events), (10, 20))] == [True, True], events


def all_is_accounted_for():
    other = timeline.other
    drawn = sum(e['ph'] in 'XB' and e['cat'] == 'call' for e in timeline.trace['traceEvents'])
    with open(timeline.csv) as f:
        calls = sum(',function_call,' in line for line in f)
    assert drawn == calls - other['collapsed'] - other['too_deep'] > 500, (drawn, calls, other)
    assert other['too_deep'] == 100001 - 499, other
    assert (other['unfinished'], other['unwound']) == (0, 0), other


def without_exceptions_traced():
    """Frames that end by what nobody traced: by the process's end, or by the return that lies below them."""
    t = traced(('dies', 'fifty', 'told_to_exit'), 'function_call, function_return, process_exit')
    same(the_picture_of('told_to_exit', t), """
told_to_exit/0 [] end=process exit
  waits/1 [a_while] end=process exit
* exit exit=told""")
    same(the_picture_of('fifty', t), ['fifty/0 [] result=caught'] +
         stairs(1, ['%s/1 [%d] end=unwound' % ('up' if n % 2 else 'over', n) for n in range(49, -1, -1)]) +
         ['* exit exit=normal'])
    got = the_picture_of('dies', t)
    assert got.pop().startswith('* exit exit={badarith,')
    same(got, """
dies/0 [] end=process exit
  level_of_death/1 [1] end=process exit
    broken/1 [1] end=process exit
      zero/0 [] result=0""")
    assert t.other['unwound'] == 50 and t.other['unfinished'] == 0, t.other


def empty_trace():
    t = traced((), 'function_call, function_return')
    drawn = [(e['ph'], e['name']) for e in t.trace['traceEvents'] if e['ph'] not in 'MC']
    assert drawn == [('i', 'end of tracing')], drawn
    assert t.other['slices'] == t.other['arrows'] == t.other['unfinished'] == 0


timeline = traced(('deep', 'deep_pair', 'tail', 'fifty', 'rethrow', 'told_to_exit', 'dies', 'reloaded', 'timeouts'))
tests(deep_recursion, deep_recursion_of_two, mutual_tail_calls, exception_through_fifty_frames, catch_and_rethrow,
      exit_from_outside, dies_in_the_middle, code_reload_in_the_middle, timeouts_in_receive, all_is_accounted_for,
      without_exceptions_traced, empty_trace)
