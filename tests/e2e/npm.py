"""A package of npm's that a test reads with; it stays for later runs."""
import fcntl, os, subprocess


def why_not(folder, package, there, what):
    """Puts `package` into `folder`, unless `there`, a path in it, is; None, or why `what` cannot be had, for a line `# skipped: ...`."""
    there = os.path.join(folder, there)
    if os.path.exists(there):
        return None
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'lock'), 'w') as lock:  # of two tests one fetches it
        fcntl.flock(lock, fcntl.LOCK_EX)
        why = None if os.path.exists(there) else install(folder, package)
    return None if why is None else '%s cannot be had here: %s' % (what, why)


def install(folder, package):
    """What npm said last when it failed."""
    try:
        done = subprocess.run(['npm', 'install', '--no-audit', '--no-fund', '--no-save', '--prefix', '.', package], cwd=folder,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as why:
        return why
    return done.stdout.decode('utf-8', 'replace').strip().splitlines()[-1:] if done.returncode else None
