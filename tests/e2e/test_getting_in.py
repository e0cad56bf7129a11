"""Into the nodes that people have: of either address family, without epmd, and under another name than their own."""
import lib
from lib import *

INI = """[session]
nodes = %s
duration = 0
events = function_call
[filter:match_spec]
trace = e2e_work:target(_, _)
[sink:csv]
path = trace.csv
"""
LOOPBACK6 = '{0,0,0,0,0,0,0,1}'


def node_at(host, args=(), **more):
    return Node('at%d_%d@%s' % (os.getpid(), Node.count, host), longname=True, args=args, **more)


def inet6(host, args=()):
    return node_at(host, ('-proto_dist', 'inet6_tcp', *args))


def traces(ini, *nodes, environment=None, args=()):
    """A run that sees what these nodes do, calls them what they call themselves, and each once."""
    run = Run(ini, '--json', *args, environment=environment)
    for node in nodes:
        node.traced()
        assert node('e2e_work:run(1, 3, 1)') == 'ok'
    run.interrupt()
    assert run.code == 0, run.err()
    assert sorted(n['node'] for n in run.summary()['nodes']) == sorted(n.name for n in nodes), run.out()
    calls = [r for r in rows(run) if r['event'] != 'gap'] # a process with a large heap has one
    for node in nodes:
        mine = [r for r in calls if r['node'] == node.name]
        assert len(mine) == 3 and all(r['pid'].startswith('<0.') for r in mine), mine
    assert len(calls) == 3 * len(nodes), calls
    invariant(run.summary())
    for node in nodes:
        node.clean()
    return run


def refused(ini, *words, environment=None):
    run = Run(ini, environment=environment).ended(1)
    lines = [line for line in run.err().splitlines() if all(word in line for word in words)]
    assert lines, 'no line with %s in: %s' % (words, run.err())


# ---- Address families

def nodes_on_ipv6():
    long, dual = inet6('::1'), inet6('localhost')
    short = Node('short%d@::1' % os.getpid(), args=('-proto_dist', 'inet6_tcp'))
    traces(INI % long.name, long)
    traces(INI % ', '.join(n.name for n in (long, short, dual)), long, short, dual)
    answer = Run(None, long.name, command='nodes').ended(0)
    assert long.name in answer.out() and 'nobody traces' in answer.out(), answer.out()
    assert 'true' in Run(None, long.name, 'erlang', 'is_alive', '[]', command='call').ended(0).out()


def with_hosts(text):
    """beamtap with another /etc/hosts, for itself alone. None: this machine does not allow that."""
    hosts, script = os.path.join(work, 'hosts'), os.path.join(work, 'with_hosts')
    with open(hosts, 'w') as f:
        f.write(text)
    with open(script, 'w') as f:
        f.write('#!/bin/sh\nexec unshare -m sh -c \'mount --bind %s /etc/hosts && exec %s "$@"\' sh "$@"\n' % (hosts, BEAMTAP))
    os.chmod(script, 0o755)
    return script if subprocess.run([script, '--version'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0 else None


def hosts_with_one_family_of_two():
    script = with_hosts('127.0.0.1 localhost\n127.0.0.1 both.test\n::1 both.test\n::1 six.test\n127.0.0.1 four.test\n')
    if not script:
        print('# skipped: no mount of its own for a process here')
        return
    only = ('-kernel', 'inet_dist_use_interface')
    nodes = [inet6('six.test', (*only, LOOPBACK6)), inet6('both.test', (*only, LOOPBACK6)),
             node_at('both.test', (*only, '{127,0,0,1}')), node_at('four.test', (*only, '{127,0,0,1}'))]
    lib.BEAMTAP = script
    try:
        for node in nodes:
            traces(INI % node.name, node)
            traces(INI % node.name + '[transport:tcp]\nlisten = [::]:0\n', node)
    finally:
        lib.BEAMTAP = BEAMTAP


def frames_over_tcp_in_both_families():
    six, four = inet6('::1'), node_at('127.0.0.1')
    for listen in ('[::]:0', '[::1]:0', '0.0.0.0:0', '127.0.0.1:0', 'localhost:0'):
        traces(INI % (six.name + ', ' + four.name) + '[transport:tcp]\nlisten = %s\n' % listen, six, four)


# ---- Without epmd

NO_EPMD = dict(env, ERL_EPMD_PORT=str(free_port()))


def alone(host='localhost', port=None):
    """A node without epmd, at a port of its own."""
    port = port or free_port()
    node = node_at(host, ('-start_epmd', 'false', '-erl_epmd_port', str(port))) if host != 'localhost' else \
        Node(args=('-start_epmd', 'false', '-erl_epmd_port', str(port)))
    node.port = port
    return node


def nodes_without_epmd():
    one, two = alone(), alone()
    traces(INI % ('%s:%d, %s:%d' % (one.name, one.port, two.name, two.port)), one, two, environment=NO_EPMD)
    traces(INI % one.name, one, environment=NO_EPMD, args=('--set', 'session.port=%d' % one.port))
    traces(INI % ('%s, %s:%d' % (one.name, two.name, two.port)), one, two, environment=NO_EPMD,
           args=('--set', 'session.port=%d' % one.port))
    traces(INI.replace('%s', 'all_nodes\nseed = %s:%d' % (one.name, one.port)), one, environment=NO_EPMD)
    six = node_at('::1', ('-start_epmd', 'false', '-erl_epmd_port', str(free_port()), '-proto_dist', 'inet6_tcp'))
    port6 = six("element(2, erl_epmd:port_please(\"x\", \"::1\"))")
    name, host = six.name.split('@')
    traces(INI % ('%s@[%s]:%s' % (name, host, port6)), six, environment=NO_EPMD)
    out = Run(None, '%s:%d' % (one.name, one.port), command='nodes', environment=NO_EPMD).ended(0).out()
    assert out.startswith(one.name + ' '), out
    out = Run(None, '%s:%d' % (one.name, one.port), 'erlang', 'node', '[]', command='call', environment=NO_EPMD).ended(0).out()
    assert one.name in out, out
    # the configuration in force says it as it was written
    checked = Run(INI % ('%s:%d' % (one.name, one.port)), command='check').ended(0).out()
    assert '%s, port %d' % (one.name, one.port) in checked, checked
    for wrong in ('x@localhost:', 'x@localhost:0', 'x@localhost:65536', 'x@localhost:1x', 'x@[::1', 'x@[]:1', 'x@:1'):
        assert 'is not a node name' in Run(INI % wrong, command='check').ended(2).err(), wrong


def ports_taken_for_one_another():
    node, apart = Node(), alone()
    refused(INI % node.name, node.name, "is not epmd's but a node's own distribution port", 'port = %d' % apart.port,
            environment=dict(env, ERL_EPMD_PORT=str(apart.port)))
    refused(INI % (node.name + ':' + port), node.name, "port %s at localhost is epmd's and not the node's" % port)
    refused(INI % ('%s:%d' % (node.name, free_port())), node.name, 'refuses connections: no node listens there')
    refused(INI % node.name, "no epmd runs at localhost", 'nodes = %s:PORT' % node.name, environment=NO_EPMD)
    node.clean(), apart.clean()


# ---- Another name than its own

def by_another_name():
    node = node_at('127.0.0.2')
    alias = node.name.replace('127.0.0.2', '127.0.0.1')
    run = traces(INI % alias, node)
    assert '%s calls itself %s' % (alias, node.name) in run.err(), run.err()
    out = Run(None, alias, command='nodes').ended(0).out()
    assert out.startswith(node.name + ' '), out
    out = Run(None, alias, 'erlang', 'self', '[]', '--quiet', command='call').ended(0).out()
    assert out.startswith('<0.'), out


def twice_is_once():
    node = node_at('127.0.0.2')
    name, distribution = node.name.split('@')[0], node("element(2, erl_epmd:port_please(\"%s\", \"127.0.0.2\"))" % node.name.split('@')[0])
    alias = name + '@127.0.0.1'
    for nodes in ((alias, node.name), (node.name, alias), (alias, '%s@127.0.0.3' % name, node.name)):
        run = traces(INI % ', '.join(nodes), node)
        assert '%s is %s, which this run has already: it is traced once' % (alias, node.name) in run.err(), run.err()
    # our own name is in use there then: by us
    other = 'other@127.0.0.2:' + distribution
    for nodes in ((node.name, other), (other, node.name)):
        traces((INI % ', '.join(nodes)) + '[transport:dist]\nname = same_%d\n' % os.getpid(), node)
    # and where it is not, that is still said
    first = Run((INI % node.name) + '[transport:dist]\nname = same_%d\n' % os.getpid())
    node.traced()
    refused((INI % node.name) + '[transport:dist]\nname = same_%d\n' % os.getpid(), 'is in use there already')
    first.interrupt()
    node.clean()


def a_seed_by_another_name():
    seed, other = node_at('127.0.0.2'), node_at('127.0.0.3')
    other.connect(seed)
    traces(INI.replace('%s', 'all_nodes\nseed = %s' % seed.name.replace('127.0.0.2', '127.0.0.1')), seed, other)


tests(nodes_on_ipv6, hosts_with_one_family_of_two, frames_over_tcp_in_both_families, nodes_without_epmd,
      ports_taken_for_one_another, by_another_name, twice_is_once, a_seed_by_another_name)
