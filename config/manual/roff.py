"""roff.py: the Markdown of this project's pages as a manual page. What the pages use is known here: headings, paragraphs, lists,
tables, code, links; a table becomes a list of its rows, since no terminal is wide enough for four columns of sentences.
"""
import re


def escape(text):
    return text.replace('\\', '\\e').replace('-', '\\-').replace("'", '\\(aq').replace('`', '\\(ga').replace('^', '\\(ha').replace(
        '~', '\\(ti')


def line(text):
    """A line that begins with a dot or an apostrophe would be a request."""
    return '\\&' + text if text.startswith(('.', '\\(aq')) else text


def inline(text):
    """Code and what is strong become bold; a link inside the sources is its text, any other its address too."""
    out = []
    for part in re.split(r'(`` .*? ``|`[^`]+`|!?\[[^\]]*\]\([^)]*\)|\*\*.+?\*\*)', text):
        link = re.fullmatch(r'!?\[([^\]]*)\]\(([^)]*)\)', part)
        if link:
            words, target = link.groups()
            out.append(inline(words) + (' (%s)' % escape(target) if ':' in target else ''))
        elif len(part) > 2 and part[0] == '`':
            out.append('\\fB%s\\fR' % escape(part.strip('`').strip()))
        elif part.startswith('**') and len(part) > 4:
            out.append('\\fB%s\\fR' % escape(part[2:-2]))
        else:
            out.append(escape(re.sub(r'\\([|<>*_])', r'\1', part)))
    return ''.join(out)


def cells(row):
    return [c.strip().replace('\\|', '|') for c in re.split(r'(?<!\\)\|', row.strip().strip('|'))]


def table(rows):
    """Each row with its first cell as the term. The columns between are told behind it, with their heads where they are short
    values; the last one is the text."""
    heads, out = cells(rows[0]), []
    for row in rows[2:]:
        first, *middle, last = cells(row)
        said = [('%s %s' % (inline(h), inline(c)) if h in ('default', 'peer', 'pid') and c != 'required' else inline(c))
                for h, c in zip(heads[1:-1], middle) if c]
        out += ['.TP', line(inline(first) + (' (%s)' % ', '.join(said) if said else '')), line(inline(last)) if last else '\\&']
    return out


def code(lines):
    while lines and not lines[-1].strip():
        lines.pop()
    return ['.PP', '.RS 4', '.EX', *(line(escape(text)) or '\\&' for text in lines), '.EE', '.RE']


def body(markdown, top=1):
    """The lines of a page; headings of level `top` become sections."""
    rows, out, i = re.sub(r'<!--.*?-->\n?', '', markdown, flags=re.S).split('\n'), [], 0
    listed = False
    while i < len(rows):
        row = rows[i]
        head = re.match(r'(#+) (.*)', row)
        begin = i
        if row.startswith('```'):
            while not rows[i + 1].startswith('```'):
                i += 1
            out += code(rows[begin + 1:i + 1])
            i += 2
        elif row.startswith('    ') and not listed:
            while i < len(rows) and (rows[i].startswith('    ') or not rows[i].strip()):
                i += 1
            out += code([text[4:] for text in rows[begin:i]])
        elif head:
            out += ['.%s %s' % ('SH' if len(head[1]) <= top else 'SS', inline(head[2]).upper() if len(head[1]) <= top else inline(head[2]))]
            listed, i = False, i + 1
        elif row.startswith('|'):
            while i < len(rows) and rows[i].startswith('|'):
                i += 1
            out += table(rows[begin:i])
        elif not row.strip():
            listed, i = False, i + 1
        else:
            listed = row.startswith('- ')
            i += 1
            while i < len(rows) and rows[i].strip() and not re.match(r'- |\||#|```', rows[i]):
                i += 1
            text = ' '.join(r.strip() for r in rows[begin:i])
            out += ['.IP \\(bu 2', line(inline(text[2:]))] if listed else ['.PP', line(inline(text))]
    return out


def page(name, section, date, source, markdown, top=1):
    head = ['.TH "%s" %d "%s" "%s"' % (name.upper(), section, date, source), '.nh', '.ad l']
    return '\n'.join(head + body(markdown, top)) + '\n'
