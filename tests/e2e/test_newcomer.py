"""Someone who knows redbug and not beamtap, with nothing but `beamtap --help`, on a node with planted faults (e2e_depot.erl): the
commands that it offers as first answers are run as they stand there, and each answer is in plain sight in what they print."""
import shlex
from lib import *

compile_erlang('e2e_depot.erl', 'e2e_depot_text.erl', 'e2e_depot_label.erl')
node = Node()
node('e2e_depot:start()')


def offered():
    """Of each question of --help the commands below it, as someone would type them: with the names of this node."""
    text = subprocess.run([BEAMTAP, '--help'], check=True, stdout=subprocess.PIPE, text=True).stdout
    text = text[text.index('First answers'):text.index('Commands')]
    found = {}
    for line in text.splitlines():
        if line.startswith('  ') and line.endswith('?'):
            question = line.strip()
            found[question] = []
        elif line.startswith('      beamtap '):
            found[question].append(shlex.split(line.strip().split('   ')[0])[1:])
    return found


QUESTIONS = offered()


def ask(question, number=0, **names):
    [words] = [c[number] for q, c in QUESTIONS.items() if question in q]
    words = [node.name if w == 'NODE' else w for w in words]
    for name, here in names.items():
        words = [re.sub(r'\b%s(_\*)?' % name, here, w) for w in words]
    return Run(None, *words[1:], command=words[0]).ended(0)


def every_question_is_there():
    for question in ('which function is slow', 'who floods whom', 'why does a process end', 'what is a function given', 'right before a process crashed'):
        assert any(question in q for q in QUESTIONS), (question, QUESTIONS)


def which_function_is_slow():
    """The first row of the first table, with its share."""
    run = ask('which function is slow', shop='e2e_depot*')
    rows = [line.split() for line in run.out().splitlines()]
    first = rows[rows.index(['By', 'function']) + 2]
    assert first[-1] == 'e2e_depot_text:pad/3' and float(first[-2].rstrip('%')) > 50, run.out()
    first = rows[rows.index(['By', 'process']) + 2]
    assert first[-2] == 'depot_report', run.out()


def where_its_time_goes():
    """On the page: of a report nearly all is pad's own, and its place in the flame graph is below report and line."""
    run = ask('which function is slow', 1, shop='e2e_depot*')
    data = json.loads(re.search(r'id="data">(.*?)</script>', run.read('trace.html'), re.S)[1])
    own = {row[0]: row[3] for row in data['functions']}
    assert own['e2e_depot_text:pad/3'] > 3 * max(own[f] for f in own if f.startswith('e2e_depot:report')), own
    names = [row[0] for row in data['functions']]
    stacks, paths = data['stacks'], []
    for at, (parent, function, *_) in enumerate(stacks):
        path = [names[function]]
        while parent > 0 and parent != at:
            path.append(names[stacks[parent][1]])
            at, parent = parent, stacks[parent][0]
        paths.append(path)
    assert any(p[0] == 'e2e_depot_text:pad/3' and 'e2e_depot_text:line/2' in p and 'e2e_depot:report/0' in p for p in paths), paths[:20]


def who_floods_whom():
    run = ask('who floods whom', 1)
    lines = run.out().splitlines()
    pairs = next(i for i, line in enumerate(lines) if 'FROM -> TO' in line)
    assert re.search(r'depot_sensor <[\d.]+> -> depot_store', lines[pairs + 1]), lines[pairs:pairs + 3]
    [store] = [line.split() for line in lines[:pairs] if 'depot_store' in line]
    processes = next(line.split() for line in lines if 'MAILBOX' in line)
    assert int(store[processes.index('LONGEST')]) > 100, (processes, store)  # what it cannot keep up with waits there


def why_a_process_restarts():
    """Which process it is, by name; the reason; and that it was there again at once."""
    run = ask('why does a process end')
    ends = [line for line in run.out().splitlines() if re.search(r'\bexit\b', line)]
    again = [line for line in run.out().splitlines() if line.endswith('register depot_label')]
    assert ends and again, run.out()
    crash = next(line for line in ends if '(depot_label)' in line)
    assert re.search(r'exit \{function_clause,\[\{e2e_depot_label,postage,\[undefined\],\[\{file,.*e2e_depot_label.erl"\},\{line,\d+\}', crash), crash


def what_it_is_given():
    run = ask('what is a function given', **{'shop_cart:add/2': 'e2e_depot_label:postage/1'})
    assert re.search(r'-> e2e_depot_label:postage\(\d+\)', run.out()) and re.search(r'<- e2e_depot_label:postage/1 = (95|160)', run.out()), run.out()


def what_a_call_was_given_before_the_crash():
    """The last lines before the mark, from the order to the exception."""
    # Of a process that has just begun to be traced the first calls may come by their arity alone: then it is asked again.
    for _ in range(5):
        run = ask('right before a process crashed', shop_cart='e2e_depot_label')
        if 'postage(undefined)' in run.out():
            break
    lines = run.out().splitlines()
    mark = next(i for i, line in enumerate(lines) if '-- stop_on: crash' in line)
    told = '\n'.join(lines[max(0, mark - 8):mark])
    order = re.search(r'-> e2e_depot_label:print\(\{order,\d+,undefined\}\)', told)
    given = told.find('-> e2e_depot_label:postage(undefined)')
    raised = told.find('!! e2e_depot_label:postage/1 raised error:function_clause')
    assert order and order.start() < given < raised < told.find('exit {function_clause'), told
    assert '(depot_clerk)' in told and '(depot_label)' in told, told


def who_stumbles_is_told_how_to_go_on():
    for words, text, code in ((['trace', node.name], 'Give a pattern, such as', 2), (['trace', node.name, 'process_exit'], '--events process_exit', 2),
                              (['profile', node.name], 'Give a pattern, such as', 2), (['trase', node.name], "did you mean 'trace'", 2),
                              (['trace', node.name, 'e2e_depot_lable'], 'there is no such module', 1),
                              (['trace', node.name.replace('@', 'x@'), 'e2e_depot_label'], 'it knows: ' + node.name.split('@')[0], 1)):
        run = Run(None, *words[1:], command=words[0]).ended(code)
        assert text in run.err() and 'connection was lost' not in run.out(), (words, run.err(), run.out())
    node.clean()


tests(every_question_is_there, which_function_is_slow, where_its_time_goes, who_floods_whom, why_a_process_restarts, what_it_is_given,
      what_a_call_was_given_before_the_crash, who_stumbles_is_told_how_to_go_on)
