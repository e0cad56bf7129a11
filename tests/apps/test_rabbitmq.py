"""beamtap on RabbitMQ, as Debian has it, under load: with small queues, and with one of 40,000 messages."""
from apps import *

RABBITMQ = glob.glob(PACKAGES + '/usr/lib/rabbitmq/lib/rabbitmq_server-*')[0]
MODULES = ['rabbit_amqqueue', 'rabbit_amqqueue_process', 'rabbit_channel', 'rabbit_classic_queue', 'rabbit_queue_index',
           'rabbit_queue_type', 'rabbit_reader', 'rabbit_variable_queue', 'rabbit_writer', 'credit_flow']
HELD = 40000
filled = []
env['ERL_LIBS'] += ':%s/plugins' % RABBITMQ


class Broker(App):
    def __init__(self):
        self.port = free_port()
        own = os.path.join(work, 'rabbitmq')
        os.mkdir(own)
        with open(own + '/rabbitmq.conf', 'w'):
            pass
        name = 'rabbit_%d@localhost' % os.getpid()
        env.update(RABBITMQ_NODENAME=name, RABBITMQ_NODE_IP_ADDRESS='127.0.0.1', RABBITMQ_NODE_PORT=str(self.port),
                   RABBITMQ_DIST_PORT=str(free_port()), RABBITMQ_MNESIA_BASE=own + '/mnesia', RABBITMQ_LOG_BASE=own + '/log',
                   RABBITMQ_CONFIG_FILE=own + '/rabbitmq.conf', RABBITMQ_ENABLED_PLUGINS_FILE=own + '/enabled_plugins',
                   RABBITMQ_CONF_ENV_FILE=own + '/rabbitmq-env.conf', RABBITMQ_PID_FILE=own + '/pid', RABBITMQ_ALLOW_INPUT='true')
        super().__init__(name, erl=[RABBITMQ + '/sbin/rabbitmq-server'])
        assert self('rabbit:is_running()') == 'true'


broker = Broker()
watch = Watch(broker)
load = Load('apps_amqp', 'application:ensure_all_started(amqp_client)')
SMALL = 'start(%d, [<<"one">>, <<"two">>], 10, deliver)' % broker.port
LARGE = 'start(%d, [<<"full">>], 2, get)' % broker.port


def the_watch_sees_a_node_that_stands_still():
    sees_a_node_that_stands_still(broker, watch)


def as_it_is_run_first():
    holds(broker, watch, load, SMALL, 5000, PLAIN)


def every_module_and_message():
    holds(broker, watch, load, SMALL, 5000, UNLIMITED)


def with_those_of_otp():
    holds(broker, watch, load, SMALL, 3000, WITH_OTP)


def with_arguments():
    holds(broker, watch, load, SMALL, 3000, WITH_ARGUMENTS)


def counts_are_the_nodes_own():
    counts(broker, load, SMALL.replace('10, deliver', '1, deliver'), 500, MODULES)


def depth():
    return int(load('depth(%d, <<"full">>)' % broker.port))


def full():
    """The queue of 40,000 messages, which its process has in its state."""
    if not filled:
        filled.append('full')
        assert load('fill(%d, <<"full">>, %d)' % (broker.port, HELD)) == 'ok'
    assert depth() == HELD
    words = broker('lists:max([W || P <- processes(), {_, W} <- [process_info(P, total_heap_size)]])')
    assert int(words) > 50 * HELD, words


def a_large_queue():
    full()
    holds(broker, watch, load, LARGE, 500, PLAIN)


def a_large_queue_without_limits():
    full()
    holds(broker, watch, load, LARGE, 500, UNLIMITED)


def a_large_queue_and_otp():
    full()
    holds(broker, watch, load, LARGE, 500, WITH_OTP)


def a_large_queue_with_arguments():
    full()
    run = holds(broker, watch, load, LARGE, 500, WITH_ARGUMENTS)
    assert 'would copy it with each call' in run.err(), run.err()
    assert depth() == HELD


tests(the_watch_sees_a_node_that_stands_still, as_it_is_run_first, every_module_and_message, with_those_of_otp, with_arguments, counts_are_the_nodes_own,
      a_large_queue, a_large_queue_without_limits, a_large_queue_and_otp, a_large_queue_with_arguments)
