"""folder.py: clean Debian folders for the tests of the packages, and commands in them.

A folder that debootstrap made is kept in BEAMTAP_PACKAGES_DIR (/var/cache/beamtap/packages), and with it one that has what beamtap is
built with; what apt downloaded is kept, too. Each test run works in copies. Commands have their own /proc and their own processes, all
of which end with them.
"""
import contextlib, fcntl, glob, hashlib, os, shutil, subprocess, sys, tempfile

CACHE = os.environ.get('BEAMTAP_PACKAGES_DIR', '/var/cache/beamtap/packages')
ARCHIVES = 'var/cache/apt/archives'


class Cannot(Exception):
    pass


def suite():
    """The Debian that this machine has."""
    with open('/etc/os-release', encoding='utf-8') as file:
        words = dict(line.rstrip('\n').split('=', 1) for line in file if '=' in line)
    if words.get('ID') != 'debian':
        raise Cannot('this machine is no Debian')
    return words['VERSION_CODENAME']


def mirror():
    """The one that this machine takes its own packages from; none: debootstrap's default."""
    listed = subprocess.run(['apt-get', 'indextargets', '--format', '$(LABEL) $(SITE)'], stdout=subprocess.PIPE, text=True).stdout
    return [line.split()[1] for line in listed.splitlines() if line.startswith('Debian ')][:1]


@contextlib.contextmanager
def locked():
    os.makedirs(CACHE, exist_ok=True)
    with open(CACHE + '/lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Folder:
    def __init__(self, path):
        self.path = path

    def __call__(self, *words, cwd='/', code=0, shell=None, **env):
        """What it prints. `shell`: the text of a script, which gets `words`."""
        line = list(words) if shell is None else ['sh', '-eu', '-c', shell, 'sh', *words]
        done = subprocess.run(self.line(cwd, line), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=self.env(env))
        text = done.stdout.decode('utf-8', 'replace')
        if done.returncode != code:
            raise AssertionError('exit code %d of %s: %s' % (done.returncode, ' '.join(line)[:300], text[-3000:]))
        return text

    def start(self, *words, **env):
        return subprocess.Popen(self.line('/', words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.env(env),
                                text=True)

    def line(self, cwd, words):
        return ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc=%s/proc' % self.path, 'chroot', self.path,
                'sh', '-c', 'cd "$0" && exec "$@"', cwd, *words]

    @staticmethod
    def env(more):
        env = {'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': '/root', 'LC_ALL': 'C.UTF-8',
               'DEBIAN_FRONTEND': 'noninteractive', 'TERM': 'dumb'}
        env.update({k: v for k, v in os.environ.items() if k.lower().endswith('_proxy')})
        return {**env, **more}

    def install(self, *packages):
        self('apt-get', 'update', '-qq')
        self('apt-get', 'install', *packages)

    def copy(self):
        to = tempfile.mkdtemp(prefix='run-', dir=CACHE)
        subprocess.run(['cp', '-a', '--reflink=auto', self.path + '/.', to], check=True)
        for deb in glob.glob(CACHE + '/archives/*.deb'):
            shutil.copy(deb, os.path.join(to, ARCHIVES))
        return Folder(to)

    def remove(self):
        with locked():
            os.makedirs(CACHE + '/archives', exist_ok=True)
            for deb in glob.glob(os.path.join(self.path, ARCHIVES, '*.deb')):
                if not os.path.exists(os.path.join(CACHE, 'archives', os.path.basename(deb))):
                    shutil.copy(deb, CACHE + '/archives')
        shutil.rmtree(self.path)


def base():
    """A folder with nothing in it but Debian's smallest."""
    if os.geteuid() != 0:
        raise Cannot('only root can make and enter such a folder')
    if not shutil.which('debootstrap'):
        raise Cannot('debootstrap is missing: apt-get install debootstrap')
    path = os.path.join(CACHE, suite())
    with locked():
        if not os.path.exists(path + '/usr/bin/apt-get'):
            print('# making %s' % path, flush=True)
            shutil.rmtree(path + '.part', ignore_errors=True)
            with open(path + '.log', 'w') as log:
                made = subprocess.run(['debootstrap', '--variant=minbase', suite(), path + '.part', *mirror()], stdout=log, stderr=log)
            if made.returncode:
                raise Cannot('debootstrap could not make the folder, see %s.log' % path)
            shutil.copy('/etc/resolv.conf', path + '.part/etc/resolv.conf')
            with open(path + '.part/etc/hosts', 'w') as hosts:
                hosts.write('127.0.0.1 localhost web1\n')
            with open(path + '.part/etc/apt/apt.conf.d/90test', 'w') as conf:
                conf.write('APT::Get::Assume-Yes "true";\nAPT::Install-Recommends "false";\nAPT::Keep-Downloaded-Packages "true";\n'
                           'Binary::apt-get::APT::Keep-Downloaded-Packages "true";\nAPT::Sandbox::User "root";\nDpkg::Use-Pty "false";\n')
            os.rename(path + '.part', path)
    return Folder(path)


def builder(packages):
    """A folder with these packages; kept as long as they are the same."""
    name = '%s-build-%s' % (suite(), hashlib.sha256(' '.join(sorted(packages)).encode()).hexdigest()[:8])
    path = os.path.join(CACHE, name)
    if not os.path.exists(path):
        print('# making %s' % path, flush=True)
        made = base().copy()
        made.install(*packages)
        with locked():
            for old in glob.glob(os.path.join(CACHE, suite() + '-build-*')):
                shutil.rmtree(old)
            os.rename(made.path, path)
    return Folder(path)


def main():
    print(base().path)


if __name__ == '__main__':
    try:
        main()
    except Cannot as why:
        sys.exit('folder.py: %s' % why)
