// table.js: a table that is sorted by its heads, filtered by what is searched for, and opens a row to say more.
//
// columns: {head, title, value(row): what it is sorted by, cell(row): what is shown (value where there is none), text: it is no
// number, wide: it takes the room, sort: 1 or -1 at first}. options: {search(row), open(row), step, empty}

function table(columns, rows, options = {}) {
  let sorted = columns.find(c => c.sort) || columns[0], direction = sorted.sort || 1, shown = options.step || 50;
  const opened = new Set();
  const head = el('tr'), body = el('tbody'), more = el('div', { class: 'more' });
  const value = (c, row) => { const v = c.value(row); return v === undefined || v === null ? -1 : v; };

  function heads() {
    clear(head);
    for (const c of columns) {
      const on = c === sorted;
      head.append(el('th', { scope: 'col', class: c.text ? 'text' : '', 'aria-sort': on ? (direction > 0 ? 'ascending' : 'descending') : null },
        el('button', { type: 'button', title: c.title || 'sort by ' + c.head, onclick: () => {
          direction = on ? -direction : c.text ? 1 : -1;
          sorted = c;
          draw();
          head.children[columns.indexOf(c)].firstChild.focus();
        } }, c.head, el('span', { class: 'arrow', 'aria-hidden': 'true' }, on ? (direction > 0 ? ' ▲' : ' ▼') : ''))));
    }
  }
  function toggle(row, tr) {
    if (opened.delete(row)) tr.nextSibling.remove();
    else {
      opened.add(row);
      tr.after(detail(row));
    }
    tr.setAttribute('aria-expanded', String(opened.has(row)));
  }
  const detail = row => el('tr', { class: 'detail' }, el('td', { colspan: columns.length }, options.open(row)));
  function line(row) {
    const tr = el('tr', options.open && { tabindex: 0, class: 'can-open', 'aria-expanded': String(opened.has(row)) },
      columns.map(c => el('td', { class: (c.text ? 'text' : '') + (c.wide ? ' wide' : '') }, c.cell ? c.cell(row) : value(c, row))));
    if (options.open) {
      tr.addEventListener('click', e => { if (!getSelection().toString() && !e.target.closest('button,a,input')) toggle(row, tr); });
      tr.addEventListener('keydown', e => {
        if (e.target === tr && (e.key === 'Enter' || e.key === ' ')) { e.preventDefault(); toggle(row, tr); }
        const to = e.target === tr && (e.key === 'ArrowDown' ? tr.nextElementSibling : e.key === 'ArrowUp' ? tr.previousElementSibling : null);
        if (to) { e.preventDefault(); to.focus(); }
      });
    }
    return tr;
  }
  function draw() {
    heads();
    const found = options.search ? rows.filter(options.search) : rows.slice();
    found.sort((a, b) => {
      const x = value(sorted, a), y = value(sorted, b);
      const order = sorted.text ? String(x).localeCompare(String(y), 'en', { numeric: true }) : x - y;
      return order * direction || a.i - b.i;
    });
    clear(body);
    for (const row of found.slice(0, shown)) {
      body.append(line(row));
      if (opened.has(row)) body.append(detail(row));
    }
    if (!found.length)
      body.append(el('tr', {}, el('td', { class: 'text none', colspan: columns.length },
        rows.length && state.query ? 'nothing here is called “' + state.query + '”' : options.empty || 'none')));
    clear(more);
    if (found.length > shown)
      more.append(whole(shown) + ' of ' + whole(found.length) + ' ', el('button', { type: 'button', onclick: () => {
        shown += 4 * (options.step || 50);
        draw();
      } }, 'show more'));
  }
  draw();
  return el('div', { class: 'table' }, el('div', { class: 'scroll' },
    el('table', {}, el('thead', {}, head), body)), more);
}

// A number with a bar behind it, as long as its part of the largest.
const bar = (text, part, kind) => el('span', { class: 'bar' + (kind ? ' ' + kind : '') },
  el('i', { style: 'width:' + Math.max(0, Math.min(100, 100 * part || 0)).toFixed(1) + '%' }), el('b', { text }));
const times = (...keys) => keys.map(key => ({ head: key, title: { p50: 'half of the calls took no longer', p95: '95 of 100 took no longer',
  p99: '99 of 100 took no longer', max: 'the longest' }[key], value: r => r.timed ? r[key] : -1, cell: r => r.timed ? time(r[key]) : '–' }));

// Bars of how often which time was, on a logarithmic axis.
function histogram(bars, marks) {
  const list = [];
  for (let i = 0; i < bars.length; i += 2) list.push([bars[i], bars[i + 1]]);
  if (!list.length) return note('No end of a call was seen, so there are no times.');
  // Four steps for each power of two, as the sink cuts them.
  const step = v => {
    const power = Math.floor(Math.log2(Math.max(v, 1)));
    return v < 32 ? v / 8 : 4 * (power - 4) + 4 * (v / 2 ** power - 1);
  };
  const value = s => s < 4 ? 8 * s : 2 ** (4 + Math.floor(s / 4)) * (1 + s % 4 / 4);
  const from = Math.floor(step(list[0][0])), to = Math.floor(step(list[list.length - 1][0])) + 1, most = Math.max(...list.map(b => b[1]));
  const width = 440, height = 110, x = s => 8 + (width - 16) * (s - from) / Math.max(1, to - from);
  const g = svg('svg', { class: 'histogram', viewBox: `0 0 ${width} ${height + 22}`, role: 'img',
    'aria-label': 'how many calls took how long' });
  for (const [low, count] of list) {
    const h = Math.max(2, height * count / most), s = step(low);
    g.append(svg('rect', { x: x(s) + 0.5, y: height - h, width: Math.max(1, x(s + 1) - x(s) - 1), height: h, rx: 1 },
      svg('title', {}, plural(count, 'call') + ' of about ' + time(low))));
  }
  const every = Math.max(1, Math.ceil((to - from) / 6));
  for (let s = from; s <= to; s += every)
    g.append(svg('text', { x: x(s), y: height + 15, 'text-anchor': s === from ? 'start' : s + every > to && s > to - every / 2 ? 'end' : 'middle' },
      time(Math.round(value(s)))));
  for (const [label, ns] of marks) if (ns > 0) {
    const at = Math.min(x(to), Math.max(x(from), x(step(ns))));
    g.append(svg('line', { x1: at, x2: at, y1: 0, y2: height }), svg('text', { class: 'mark', x: at + 3, y: 10 + 12 * marks.findIndex(m => m[0] === label) }, label));
  }
  return g;
}
