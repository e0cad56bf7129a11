// processes.js: processes: their life, why they ended, links, what was raised; and mailboxes over time.

const ORDINARY = ['normal', 'shutdown', ':normal', ':shutdown'];
const reasonOf = p => p.reason < 0 || p.died < 0 ? '' : exits[p.reason] && exits[p.reason].text ? exits[p.reason].text : '(other reasons)';
const badly = p => p.died >= 0 && !!reasonOf(p) && !ORDINARY.includes(reasonOf(p));

function life(p) {
  const span = Math.max(D.span, 1), from = p.born < 0 ? 0 : p.born, to = p.died < 0 ? span : p.died;
  const text = (p.born < 0 ? 'was there already' : 'began at ' + moment(p.born)) + ', ' + (p.died < 0 ? 'lives on' : 'ended at ' + moment(p.died));
  return el('span', { class: 'life', title: text, role: 'img', 'aria-label': text }, el('i', { class: badly(p) ? 'bad' : p.died < 0 ? 'on' : '',
    style: `left:${(100 * from / span).toFixed(2)}%;width:max(2px, ${(100 * (to - from) / span).toFixed(2)}%)` }));
}

function reasonTable(list, what) {
  const rows = list.filter(r => r.count), most = Math.max(...rows.map(r => r.count), 1);
  return table([
    { head: 'how often', value: r => r.count, cell: r => bar(whole(r.count), r.count / most, what === 'exit' && ORDINARY.includes(r.text) ? '' : 'bad'), sort: -1 },
    { head: 'reason', text: true, wide: true, value: r => r.text, cell: r => el('code', { class: 'name', title: show(r.text), text: r.text ? show(r.text) : '(other reasons)' }) },
    { head: 'where', text: true, title: what === 'exit' ? 'the innermost function of its stack' : 'the traced function that it was first told for', value: r => r.where, cell: r => r.where ? name(show(r.where)) : '–' },
    { head: 'first process', text: true, value: r => processName(r.process), cell: r => r.text ? name(processName(r.process)) : '–' },
    { head: 'first', value: r => r.first, cell: r => moment(r.text ? r.first : -1) },
    { head: 'last', value: r => r.last, cell: r => moment(r.last) },
  ], rows, { search: r => matches(r.text + ' ' + r.where + ' ' + processName(r.process)), step: 8, empty: what === 'exit' ? 'no process ended' : 'nothing was raised' });
}

function processDetail(p) {
  const linked = [];
  for (let k = 0; k < D.links.length; k += 2) {
    if (D.links[k] === p.i) linked.push(D.links[k + 1]);
    if (D.links[k + 1] === p.i) linked.push(D.links[k]);
  }
  const children = processes.filter(c => c.i && c.parent === p.i), list = (title, of) => of.length ? el('div', {}, el('h3', { text: title }),
    el('ul', {}, of.slice(0, 12).map(i => el('li', {}, processName(i))), of.length > 12 ? el('li', {}, whole(of.length - 12) + ' more') : null)) : null;
  return el('div', { class: 'more-of' }, el('dl', {}, [['parent', p.parent ? processName(p.parent) : 'not seen'], ['node', show(nodeName(p.node))],
    ['began', p.born < 0 ? 'before the trace' : moment(p.born)], ['ended', p.died < 0 ? 'not seen to' : moment(p.died) + ': ' + show(reasonOf(p))],
    ['own time in traced calls', time(p.own)], ['longest mailbox', p.mailbox ? plural(p.mailbox, 'message') + ' at ' + moment(p.mailboxAt) : '–'], ['links', whole(p.links)]]
    .map(([k, v]) => [el('dt', { text: k }), el('dd', { text: v })])), list('Children', children.map(c => c.i)), list('Links', linked));
}

function processesView() {
  const body = el('div'), rows = processes.filter(p => p.i && p.receiver === undefined && (p.events || p.born >= 0 || p.died >= 0 || p.mailbox));
  const kinds = { all: ['all', () => true], bad: ['ended badly', badly], ended: ['ended', p => p.died >= 0], alive: ['live on', p => p.died < 0] };
  const draw = kind => clear(body).append(table([
    { head: 'process', text: true, wide: true, value: p => processName(p.i), cell: p => name(processName(p.i)) },
    { head: 'life', text: true, title: 'when it began', value: p => p.born, cell: life },
    { head: 'lived', title: 'where both its ends were seen', value: p => p.born >= 0 && p.died >= p.born ? p.died - p.born : -1, cell: p => p.born >= 0 && p.died >= p.born ? time(p.died - p.born) : '–' },
    { head: 'ended with', text: true, value: reasonOf, cell: p => el('code', { class: 'name' + (badly(p) ? ' bad' : ''), title: show(reasonOf(p)), text: show(reasonOf(p)) || '–' }) },
    { head: 'events', value: p => p.events, cell: p => whole(p.events), sort: -1 },
    { head: 'calls', value: p => p.calls, cell: p => whole(p.calls) },
    { head: 'sent', value: p => p.sent, cell: p => whole(p.sent) },
    { head: 'received', value: p => p.received, cell: p => whole(p.received) },
    { head: 'own', title: 'own time of its traced calls: ' + D.own_means, value: p => p.own, cell: p => p.own ? time(p.own) : '–' },
    { head: 'mailbox', title: 'the longest it was seen', value: p => p.mailbox, cell: p => p.mailbox ? whole(p.mailbox) : '–' },
  ], rows.filter(kinds[kind][1]), { search: p => matches(processName(p.i) + ' ' + reasonOf(p)), open: processDetail }));
  const choice = el('select', { 'aria-label': 'which processes', onchange: e => draw(e.target.value) },
    Object.entries(kinds).map(([key, [label, which]]) => el('option', { value: key }, `${label} (${whole(rows.filter(which).length)})`)));
  draw('all');
  return [panel('Why processes ended', reasonTable(exits, 'exit')), panel('What was raised', reasonTable(exceptions, 'exception'),
    note('Each exception once, however many calls it went through.')), panel('Processes', el('div', { class: 'tools' }, el('label', {}, 'Show: ', choice)), body,
    D.processes_left ? note(plural(D.processes_left, 'process', 'processes') + ' with few events are not listed.') : null)];
}

// ---- Mailboxes

function mailboxChart([process, ...flat]) {
  const points = [];
  for (let k = 0; k < flat.length; k += 2) points.push([flat[k], flat[k + 1]]);
  const width = 400, height = 90, most = Math.max(...points.map(p => p[1]), 1), x = t => width * t / Math.max(D.span, 1), y = n => height * (1 - n / most);
  let d = `M${x(points[0][0]).toFixed(1)},${height}`, last = points[0][1];
  for (const [t, n] of points) { d += `L${x(t).toFixed(1)},${y(last).toFixed(1)}L${x(t).toFixed(1)},${y(n).toFixed(1)}`; last = n; }
  d += `L${width},${y(last).toFixed(1)}L${width},${height}Z`;
  const top = points.find(p => p[1] === most) || points[0];
  return el('figure', { class: 'mailbox' }, el('figcaption', {}, name(processName(process)), el('small', {}, plural(most, 'message') + ' at ' + moment(top[0]))),
    svg('svg', { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': `mailbox of ${processName(process)}, ${most} messages at most` }, svg('path', { d })));
}

function mailboxesView() {
  const list = D.mailboxes.map(m => ({ m, label: processName(m[0]), most: Math.max(...m.filter((_, k) => k && k % 2 === 0)) })).sort((a, b) => b.most - a.most).filter(x => matches(x.label));
  if (!D.mailboxes_told) return [note('Mailboxes were not sampled: ', el('code', { text: 'mailbox = 100ms' }), ' in [session] has the node tell their lengths.')];
  if (!D.mailboxes.length) return [note('Whenever they were sampled, no mailbox held a message.')];
  return [el('div', { class: 'mailboxes' }, list.slice(0, 48).map(x => mailboxChart(x.m))), list.length ? null : note('Nothing here is called “' + state.query + '”.'),
    note('As long as the trace, each on a scale of its own; sampled, so what came and went between two samples is not there.')];
}
