"""The viewer that setup.sh puts into a folder, where it stays for later runs: a headless Chromium, and what is shown in it."""
import os, subprocess
from lib import BUILD

FOLDER = os.environ.get('BEAMTAP_VIEWER', os.path.join(os.path.dirname(BUILD), 'viewer'))


def why_not():
    """Why it cannot be had here, for a line `# skipped: ...`; None: it is there."""
    setup = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'setup.sh')
    there = subprocess.run(['sh', setup, FOLDER], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return there.stdout.strip() if there.returncode else None
