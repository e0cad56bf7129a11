// sequence.js: the messages between chosen processes, one by one, from one lifeline to the other.

const PAGE_OF_MESSAGES = 60;

// Those who take part: a process, or all that have one name.
const groupOf = i => { const p = processes[i]; return p.receiver !== undefined ? -1 - i : p.group; };
const partLabel = part => part.group !== undefined ? groupName(part.group) : processName(part.process);

function partsByDefault() {
  const parts = [];
  for (const p of groupPairs) {
    for (const g of [p.from, p.to]) if (!parts.some(x => x.group === g) && parts.length < 5) parts.push({ group: g });
    if (parts.length >= 4) break;
  }
  if (parts.length < 2) // all have one name: then the processes that say most
    for (const p of pairs.slice(0, 2)) for (const process of [p.from, p.to])
      if (process && !parts.some(x => x.process === process)) parts.push({ process });
  return parts.length > 1 && parts[0].group !== undefined && parts[1].process !== undefined ? parts.slice(1) : parts;
}

function sequence() {
  if (!messages.length) return note('No messages are kept.');
  const all = messages.slice().sort((a, b) => when(a) - when(b) || a.i - b.i);
  let parts = partsByDefault(), from = 0;
  const body = el('div'), chips = el('div', { class: 'chips' }), about = el('p', { class: 'about', 'aria-live': 'polite' }, '\u00a0');
  const candidates = new Map();
  for (const m of messages) for (const i of [m.from, m.to]) if (i) {
    candidates.set(processName(i), { process: i });
    candidates.set('all ' + groupName(groupOf(i)), { group: groupOf(i) });
  }
  const options = el('datalist', { id: 'participants' }, [...candidates.keys()].sort().slice(0, 1500).map(value => el('option', { value })));
  const input = el('input', { list: 'participants', placeholder: 'add a process or a name…', 'aria-label': 'add a process or a name', onchange: () => {
    const part = candidates.get(input.value);
    input.value = '';
    if (part && !parts.some(p => p.process === part.process && p.group === part.group)) { parts.push(part); from = 0; draw(); }
  } });
  const lane = i => {
    const exact = parts.findIndex(p => p.process === i);
    return exact >= 0 ? exact : parts.findIndex(p => p.group === groupOf(i));
  };
  function draw() {
    const kept = all.filter(m => lane(m.from) >= 0 && lane(m.to) >= 0 && matches(m.text + ' ' + processName(m.from) + ' ' + processName(m.to)));
    from = Math.max(0, Math.min(from, kept.length - 1));
    clear(chips).append(...parts.map((p, n) => el('span', { class: 'chip', title: partLabel(p) }, cut(partLabel(p), 40), el('button', { type: 'button', 'aria-label': 'without ' + partLabel(p), onclick: () => {
      parts = parts.filter((_, k) => k !== n);
      from = 0;
      draw();
    } }, '×'))), input);
    const go1 = (label, to, on) => el('button', { type: 'button', disabled: !on, onclick: () => { from = to; draw(); } }, label);
    const last = Math.min(kept.length, from + PAGE_OF_MESSAGES);
    clear(body).append(el('div', { class: 'tools' }, go1('First', 0, from > 0), go1('Earlier', from - PAGE_OF_MESSAGES, from > 0), go1('Later', from + PAGE_OF_MESSAGES, last < kept.length),
      go1('Last', kept.length - PAGE_OF_MESSAGES, last < kept.length),
      el('span', {}, kept.length ? `${whole(from + 1)} to ${whole(last)} of ${plural(kept.length, 'message')} that are kept between them` : 'no kept message between them')),
    kept.length ? el('div', { class: 'scroll' }, diagram(kept.slice(from, last))) : '');
  }
  function diagram(list) {
    const gap = Math.max(150, Math.min(260, 1000 / parts.length)), row = 30, left = 90, top = 44, width = left + gap * parts.length, height = top + row * list.length + 20;
    const x = n => left + gap * (n + 0.5), g = svg('svg', { class: 'sequence', width, height, viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': 'messages, one below the other' });
    parts.forEach((p, n) => g.append(svg('line', { class: 'life', x1: x(n), x2: x(n), y1: top - 8, y2: height }),
      svg('text', { class: 'who', x: x(n), y: 20, 'text-anchor': 'middle' }, cut(partLabel(p), 30), svg('title', {}, partLabel(p)))));
    list.forEach((m, k) => {
      const a = x(lane(m.from)), b = x(lane(m.to)), y = top + row * k + 14, self = a === b, to = self ? a + 4 : b - Math.sign(b - a) * 3;
      const text = `${processName(m.from)} → ${processName(m.to)}: ${show(m.text)}; ` + (m.sent < 0 ? 'its send was not seen' : 'sent at ' + moment(m.sent)) +
        (m.received < 0 ? ', not seen to be taken' : m.sent < 0 ? ', taken at ' + moment(m.received) : ', taken after ' + time(m.received - m.sent));
      const say = () => { about.textContent = text; };
      const split = all[m.i] && k && m.i >= D.messages_head && list[k - 1].i < D.messages_head && D.left_out.messages > 0;
      if (split) g.append(svg('line', { class: 'cut', x1: left, x2: width, y1: y - 18, y2: y - 18 }));
      g.append(svg('g', { class: 'message' + (m.received < 0 ? ' open' : '') + (m.gen === 1 ? ' call' : m.gen === 3 ? ' reply' : ''), tabindex: 0, role: 'img', 'aria-label': text, onmouseenter: say, onfocus: say, onclick: say },
        svg('rect', { class: 'hit', x: 0, y: y - 17, width, height: row }), svg('text', { class: 'at', x: 4, y: y + 3 }, moment(when(m))),
        self ? svg('path', { d: `M${a},${y - 6}h26v10h${-22}`, fill: 'none' }) : svg('line', { x1: a, x2: to, y1: y, y2: y }),
        svg('path', { class: 'head', d: self ? `M${a + 3},${y + 4}l6,-4v8z` : b > a ? `M${b},${y}l-8,-4v8z` : `M${b},${y}l8,-4v8z` }),
        svg('text', { class: 'said', x: self ? a + 32 : (a + b) / 2, y: self ? y + 4 : y - 4, 'text-anchor': self ? 'start' : 'middle' }, cut(show(m.text), Math.floor((self ? gap - 40 : Math.abs(b - a) - 14) / 6.4)), svg('title', {}, text))));
    });
    return g;
  }
  draw();
  return el('div', {}, chips, options, body, about, note('A line for each process, or for all of one name; time goes down. Dashed: it was not seen to be taken. ',
    D.left_out.messages ? plural(D.left_out.messages, 'message') + ' in between are not kept one by one.' : ''));
}
const when = m => m.sent >= 0 ? m.sent : m.received;
