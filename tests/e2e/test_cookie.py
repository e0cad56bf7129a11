"""The cluster's cookie, which a trace of everyone's messages comes across, is in no output."""
from lib import *

INI = """[session]
nodes = %s
events = %s
max_rate = 0
[transport:%s]
[sink:csv]
path = trace.csv
[sink:stdout]
path = trace.txt
format = json
[sink:chrome]
path = trace.json
[sink:record]
path = trace.btf
[sink:html]
path = trace.html
"""
OUTPUTS = ('trace.csv', 'trace.txt', 'trace.json', 'trace.btf', 'trace.html')


SENDS = ('begin P = spawn(fun() -> receive stop -> ok end end), C = erlang:get_cookie(), L = atom_to_list(C), '
         'P ! {cookie_sent, C, L, list_to_binary(L), [C | C]}, P ! {longer, list_to_atom(L ++ "_longer")}, P ! stop, ok end')


def a_node_that_joins_does_not_tell_it():
    """Handshakes ask for it as an atom; and a process sends it as an atom, a string and a binary, and in longer ones."""
    for transport in ('dist', 'tcp'):
        node = Node()
        before = Node('before')
        before.connect(node)  # so that what all this needs is loaded: the code of a module is a large message
        before.stop()
        assert node(SENDS) == 'ok' and node('e2e_node:traced()') == 'false'
        run = Run(INI % (node.name, 'message_send, message_receive, function_call', transport) +
                  '[filter:match_spec]\ntrace = e2e_work:target(_, _)\n', '--json')
        node.traced()
        other = Node('joins')
        other.connect(node)
        assert node(SENDS) == 'ok'
        other.stop()
        run.interrupt()
        assert run.code == 0, run.err()
        text = run.read('trace.csv')
        stars = '*' * len(cookie)
        assert "{cookie_sent,'%s',\"\"%s\"\",<<\"\"%s\"\">>,['%s'|'%s']}" % ((stars,) * 5) in text, \
            [line for line in text.splitlines() if 'cookie_sent' in line]
        assert cookie + '_longer' in text, 'what only begins with it is left as it is'
        for name in OUTPUTS:
            left = open(run.path(name), 'rb').read().replace((cookie + '_longer').encode(), b'')
            at = left.find(cookie.encode())
            assert at < 0, '%s tells the cookie: %r' % (name, left[max(at - 80, 0):at + 40])
        invariant(run.summary())
        node.clean()


def its_value_is_not_told_by_a_call():
    node = Node()
    call = Run(None, node.name, 'erlang', 'get_cookie', '[]', command='call').ended(0)
    assert cookie not in call.out() + call.err() and '*' * len(cookie) in call.out(), call.out()
    node.clean()


tests(a_node_that_joins_does_not_tell_it, its_value_is_not_told_by_a_call)
