"""The csv sink's file in real spreadsheets, Gnumeric and, where it is there, LibreOffice: opened and written out again, each
cell is what it was. No message is run as a formula, taken for a number or a date, or moves a column.
"""
import csv, os, shutil, subprocess, sys
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'e2e'))
from lib import *
from messages import recorded

MESSAGES = r"""['=sum(A1)', '+1', '-1', '@sum', '=cmd|\'/C calc\'!A0', <<"=1+1">>, "=1+1", {a, "b", '=x'}, ['=x'], '#REF!', 'DDE',
<<"q\"uote, comma">>, "text", "two\nlines", '\n', '\r', 'a\tb', ' x ', '--', '', [], <<>>,
42, -7, 1.5, -1.5, 1.0e100, 12345678901234567890, -12345678901234567890, $a, '007', '1e5', '0x1F', '1/2', '12:30', '10%%', '$5',
'2024-01-01', 'Jan 1', '(1)', nan, true, null, "Gr\x{fc}\x{df}e", '\x{65e5}\x{672c}', '\x{1f600}', <<230,151,165>>,
[1, 2], [1], #{a => 1}, self(), make_ref(), fun erlang:now/0]""".replace('%%', '%')


def can_be_had():
    """20 MB, where it is not there yet."""
    got = subprocess.run(['sh', '-c', '. "$1/config/packages.sh"; need gnumeric:ssconvert', 'sh', TOP],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if got.returncode or not shutil.which('ssconvert'):
        print('# skipped: Gnumeric cannot be had here:', got.stdout.strip().splitlines()[-1:])
        return False
    return True


def run(folder, *line):
    done = subprocess.run(line, cwd=folder, env=dict(os.environ, HOME=work, LC_ALL='C.UTF-8'), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout[-1000:]


def cells(path):
    with open(path, newline='', encoding='utf-8') as f:
        return list(csv.reader(f))


def gnumeric(folder):
    """It keeps no apostrophe at the beginning of a cell: to it that says that text follows, which is true."""
    run(folder, 'ssconvert', 'trace.csv', 'again.csv')
    theirs, ours = cells(folder + '/again.csv'), cells(folder + '/trace.csv')
    assert len(theirs) == len(ours), (len(theirs), len(ours))
    for got, want in zip(theirs, ours):
        assert got == [cell[1:] if cell.startswith("'") else cell for cell in want], (got, want)


def libreoffice(folder):
    """Its numbers have 15 digits, as Excel's: of `ts` the rest is gone."""
    options = '44,34,76,1'  # commas, quotes, UTF-8, from the first line on
    run(folder, 'soffice', '--headless', '--infilter=CSV:' + options, '--convert-to',
        'csv:Text - txt - csv (StarCalc):' + options, '--outdir', 'libre', 'trace.csv')
    theirs, ours = cells(folder + '/libre/trace.csv'), cells(folder + '/trace.csv')
    assert len(theirs) == len(ours), (len(theirs), len(ours))
    assert theirs[0] == ours[0]
    for got, want in zip(theirs[1:], ours[1:]):
        assert got[1:] == want[1:], (got, want)
        assert abs(int(float(got[0])) - int(want[0])) < 10_000, (got, want)


def each_cell_is_what_it_was():
    node = Node()
    trace, _ = recorded(node, MESSAGES.replace('\n', ' '))
    gnumeric(trace.dir)
    if shutil.which('soffice'):
        libreoffice(trace.dir)
    else:
        print('# LibreOffice is not here: Gnumeric alone')
    node.clean()


if can_be_had():
    tests(each_cell_is_what_it_was)
