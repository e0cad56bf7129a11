"""says.py: what the command says of itself: its commands with their arguments, its plugins with their options."""
import json, re, subprocess


class Says:
    def __init__(self, beamtap):
        self.beamtap = beamtap
        usage = self.ask('--help')
        self.commands = [Command(name, self.ask(name, '--help')) for name in re.findall(r'^  beamtap ([a-z]+) ', usage, re.M)]
        self.end = usage[usage.index('The cookie is read'):]
        self.session = self.json('session')[0]
        self.plugins = self.json()
        events = next(o['help'] for o in self.session['options'] if o['name'] == 'events')
        self.events = re.findall(r'[a-z]+_[a-z_]+', events[events.index(':'):events.index('(')])

    def ask(self, *words):
        return subprocess.run([self.beamtap, *words], check=True, stdout=subprocess.PIPE, text=True).stdout

    def json(self, *words):
        return json.loads(self.ask('plugins', *words, '--json'))


class Command:
    """`flags`: {flag: the placeholder of its value, or ''}, in the order of --help; `words`: what else it takes."""

    def __init__(self, name, text):
        lines = text.rstrip('\n').split('\n')
        self.name, self.usage = name, lines[0]
        self.arguments = lines[0][len('beamtap %s' % name):].strip()
        self.summary, self.details = lines[1].strip(), [row[4:] for row in lines[2:]]
        option = r'(?<![\w-])(--?[a-z][a-z-]*)(?: (?!\|)([^\]\[ ]+))?'
        self.flags = dict(re.findall(option, self.arguments))
        rest = re.sub(option, '', self.arguments)
        self.words = re.findall(r"[A-Z][A-Z:.]*(?:ini)?|\bsession\b", rest)
