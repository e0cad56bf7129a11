// messages.js: who talks to whom, how much and how slowly: bands from the senders to the receivers, and the same as a table.

const SHOWN_BANDS = 24;

// From quick to slow: how long a message was on its way and in the mailbox, 19 of 20 of them.
function slowness(p, scale) {
  if (!p.timed) return 'var(--band)';
  const part = scale.most > scale.least ? (Math.log(p.p95 + 1) - Math.log(scale.least + 1)) / (Math.log(scale.most + 1) - Math.log(scale.least + 1)) : 0;
  return `hsl(${200 - 190 * part} ${55 + 20 * part}% ${dark() ? 52 : 48}%)`;
}

function bands(list, label) {
  const shown = list.slice(0, SHOWN_BANDS), timed = shown.filter(p => p.timed).map(p => p.p95);
  const scale = { least: Math.min(...timed), most: Math.max(...timed) }, sum = shown.reduce((n, p) => n + p.messages, 0);
  const sides = ['from', 'to'].map(side => {
    const ends = new Map();
    for (const p of shown) ends.set(p[side], (ends.get(p[side]) || 0) + p.messages);
    return [...ends].sort((a, b) => b[1] - a[1]).map(([end, n]) => ({ end, n }));
  });
  const rows = Math.max(...sides.map(s => s.length)), pad = 10, height = Math.max(120, rows * 30), phone = innerWidth < 640, width = phone ? 540 : 900, column = phone ? 185 : 270;
  for (const s of sides) {
    // Everyone's name needs a line; what is left of the height is shared by how much was said.
    const least = 18, free = Math.max(0, height - s.length * (least + pad));
    let y = 4;
    for (const e of s) { e.h = least + free * e.n / sum; e.y = y; e.used = 0; y += e.h + pad; }
  }
  const place = (side, end) => sides[side].find(e => e.end === end), tall = Math.max(...sides.map(s => s[s.length - 1].y + s[s.length - 1].h)) + 6;
  const about = el('p', { class: 'about', 'aria-live': 'polite' }, '\u00a0');
  const g = svg('svg', { class: 'bands', viewBox: `0 0 ${width} ${tall}`, role: 'group', 'aria-label': 'who talks to whom' });
  for (const p of shown.slice().sort((a, b) => place(0, a.from).y - place(0, b.from).y || place(1, a.to).y - place(1, b.to).y)) {
    const a = place(0, p.from), b = place(1, p.to), ha = Math.max(1, (a.h - 2) * p.messages / a.n), hb = Math.max(1, (b.h - 2) * p.messages / b.n);
    const ya = a.y + 1 + a.used, yb = b.y + 1 + b.used, x1 = column, x2 = width - column, m = width / 2;
    a.used += ha;
    b.used += hb;
    const text = `${label(p.from)} → ${label(p.to)}: ${plural(p.messages, 'message')}, ${bytes(p.bytes)}` +
      (p.timed ? `; sent to taken: p50 ${time(p.p50)}, p95 ${time(p.p95)}, at most ${time(p.max)}` : '');
    const say = () => { about.textContent = text; };
    g.append(svg('path', { class: 'band', tabindex: 0, role: 'img', 'aria-label': text, style: 'fill:' + slowness(p, scale), onmouseenter: say, onfocus: say, onclick: say,
      d: `M${x1},${ya}C${m},${ya} ${m},${yb} ${x2},${yb}V${yb + hb}C${m},${yb + hb} ${m},${ya + ha} ${x1},${ya + ha}Z` }, svg('title', {}, text)));
  }
  sides.forEach((s, side) => s.forEach(e => {
    const x = side ? width - column : column - 6;
    g.append(svg('rect', { class: 'end', x, y: e.y, width: 6, height: e.h }),
      svg('text', { x: side ? x + 12 : x - 6, y: e.y + Math.min(e.h / 2, 30) + 4, 'text-anchor': side ? 'start' : 'end' }, cut(label(e.end), phone ? 22 : 34), svg('title', {}, label(e.end) + ': ' + plural(e.n, 'message'))));
  }));
  const more = list.length - shown.length;
  return el('div', {}, el('div', { class: 'scroll' }, g), about, el('p', { class: 'note' }, 'Thickness: how many messages. ',
    timed.length ? ['Colour: how long 95 of 100 took from being sent to being taken, ', el('span', { class: 'ramp' }), ' ' + time(scale.least) + ' to ' + time(scale.most) + '. '] : 'No receives were traced, so it is not known how slow they were. ',
    more > 0 ? plural(more, 'more pair') + ' in the table below.' : ''));
}

const cut = (text, most) => text.length > most ? text.slice(0, most - 1) + '…' : text;

function pairTable(list, label, open) {
  return table([
    { head: 'from', text: true, wide: true, value: p => label(p.from), cell: p => name(label(p.from)) },
    { head: 'to', text: true, wide: true, value: p => label(p.to), cell: p => name(label(p.to)) },
    { head: 'messages', value: p => p.messages, cell: p => bar(whole(p.messages), p.messages / list[0].messages), sort: -1 },
    { head: 'bytes', title: 'as the node encodes them', value: p => p.bytes, cell: p => bytes(p.bytes) },
    ...times('p50', 'p95', 'p99', 'max').map(c => ({ ...c, title: 'from being sent to being taken: ' + c.title })),
  ], list, { search: p => matches(label(p.from) + ' ' + label(p.to)), open });
}

function messagesView() {
  if (!groupPairs.length && !messages.length) return [note('No messages were traced. Ask for message_send and message_receive under events in [session].')];
  const body = el('div'), kinds = { name: [groupPairs, groupName], process: [pairs, processName] };
  const draw = kind => {
    const [list, label] = kinds[kind], found = list.filter(p => matches(label(p.from) + ' ' + label(p.to)));
    clear(body).append(found.length ? bands(found, label) : note('Nothing here is called “' + state.query + '”.'), list.length ? pairTable(list, label) : '');
  };
  const choice = el('select', { 'aria-label': 'what is told apart', onchange: e => draw(e.target.value) },
    el('option', { value: 'name' }, 'names (all processes of one name together)'), el('option', { value: 'process' }, 'single processes'));
  if (groupPairs.length) draw('name');
  return [panel('Who talks to whom', el('div', { class: 'tools' }, el('label', {}, 'Tell apart: ', choice)), body), panel('Message by message', sequence())];
}
