"""model.py: what a picture must hold, worked out from the rows of the csv sink alone, in the simplest way that is right.

It knows nothing of slices that are collapsed or of frames that are lost: it is for traces without losses.
"""
import collections, re


class Model:
    def __init__(self, rows):
        self.calls = self.messages = self.across = self.answers = 0
        self.unreturned = collections.defaultdict(list)  # pid -> functions whose end was not seen yet
        self.alive = {}  # pid -> was its start seen
        self.processes = set()
        sent, received, foreign = collections.Counter(), collections.Counter(), collections.Counter()
        spawned, born = set(), set()
        asked, taken = set(), set()  # calls of gen_server, by who sent or took them
        for r in rows:
            who = (r['node'], r['pid'])
            if r['pid']:
                self.processes.add(who)
            self.answers += self.answer(r, asked, taken)
            function = (r['module'], r['function'], r['arity'])
            event = r['event']
            if event == 'function_call':
                self.calls += 1
                self.unreturned[who].append(function)
            elif event in ('function_return', 'function_exception'):
                self.end(self.unreturned[who], function)
            elif event == 'message_send':
                self.messages += 1
                sent[(*who, r['message'])] += 1
            elif event == 'message_receive':
                self.messages += 1
                if 'timeout' in r['metadata'].split():
                    continue
                if not r['peer'] or self.named(r['node'], r['peer'])[0] != r['node']:
                    foreign[r['node'], r['message']] += 1
                    continue
                received[(*self.named(r['node'], r['peer']), r['message'])] += 1
            elif event == 'process_spawn':
                spawned.add((r['node'], r['peer']))
            elif event == 'process_start':
                self.alive[who] = True
                born.add(who)
            elif event == 'process_exit':
                self.alive.pop(who, None)
                self.unreturned.pop(who, None)
        # Either end of a message may be told first: the events of two processes come in any order.
        self.pairs = (sent & received).total()
        self.births = len(spawned & born)
        for (node, _, message), n in (sent - received).items():  # what is left, with what came from another node
            for other, same in list(foreign):
                if other != node and same == message:
                    took = min(n, foreign[other, same])
                    foreign[other, same] -= took
                    n -= took
                    self.across += took

    @staticmethod
    def answer(r, asked, taken):
        """Is it a reply, sent or taken, whose call was seen by that side? The reference tells which one."""
        gen = re.search(r'\b(call|reply) ?(?:took=\d+)?', r['metadata'])
        if not gen:
            return False
        mine, reference = r['event'] == 'message_send', re.search(r'#Ref<[\d.]+>', r['message'])[0]
        if gen[1] == 'call':
            (asked if mine else taken).add((r['node'], r['pid'], reference) if mine else (r['node'], reference))
            return False
        return (r['node'], reference) in taken if mine else (r['node'], r['pid'], reference) in asked

    @staticmethod
    def end(stack, function):
        """Whatever lies above the innermost frame of this function was left by an exception that nobody traced."""
        for i in range(len(stack) - 1, -1, -1):
            if stack[i] == function:
                del stack[i:]
                return

    @staticmethod
    def named(node, peer):
        """<shop@web2.1.0> on shop@web1 is <0.1.0> on shop@web2."""
        if peer.startswith('<') and '@' in peer:
            other, number, serial = peer[1:-1].rsplit('.', 2)
            return other.strip("'"), '<0.%s.%s>' % (number, serial)
        return node, peer

    def open_calls(self):
        return sum(map(len, self.unreturned.values()))
