"""beamtap on ejabberd, as Debian has it: twenty users who write to each other."""
from apps import *

USERS = 20
MODULES = ['ejabberd_c2s', 'ejabberd_hooks', 'ejabberd_local', 'ejabberd_router', 'ejabberd_sm', 'gen_mod', 'mod_carboncopy',
           'mod_mam', 'mod_offline', 'mod_privacy', 'mod_roster', 'mod_stream_mgmt', 'xmpp_stream_in']


class Server(App):
    def __init__(self):
        self.port = free_port()
        own = os.path.join(work, 'ejabberd')
        os.mkdir(own)
        with open(os.path.join(HERE, 'ejabberd.yml')) as given, open(own + '/ejabberd.yml', 'w') as config:
            config.write(given.read().replace('PORT', str(self.port)))
        env.update(EJABBERD_CONFIG_PATH=own + '/ejabberd.yml', EJABBERD_LOG_PATH=own + '/ejabberd.log')
        # As ejabberdctl starts it.
        super().__init__('ejabberd', args=['+K', 'true', '+P', '250000', '-mnesia', 'dir', '"%s/database"' % own, '-s', 'ejabberd'])
        wait_for(lambda: self('ejabberd:is_loaded() andalso ejabberd_config:get_option(hosts)') == '[<<"localhost">>]', 'ejabberd')
        users = '[<<"user", (integer_to_binary(I))/binary>> || I <- lists:seq(1, %d)]' % USERS
        assert self('[ok = ejabberd_auth:try_register(U, <<"localhost">>, <<"secret">>) || U <- %s]' % users).startswith('[ok')


server = Server()
watch = Watch(server)
load = Load('apps_xmpp')
START = 'start(%d, %d, 2)' % (server.port, USERS)


def as_it_is_run_first():
    holds(server, watch, load, START, 4000, PLAIN)


def every_module_and_message():
    holds(server, watch, load, START, 4000, UNLIMITED)


def with_those_of_otp():
    holds(server, watch, load, START, 2000, WITH_OTP)


def with_arguments():
    holds(server, watch, load, START, 2000, WITH_ARGUMENTS)


def counts_are_the_nodes_own():
    counts(server, load, START.replace('20, 2', '4, 1'), 500, MODULES)


tests(as_it_is_run_first, every_module_and_message, with_those_of_otp, with_arguments, counts_are_the_nodes_own)
