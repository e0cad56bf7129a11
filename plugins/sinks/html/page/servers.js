// servers.js: gen_server calls: which servers answer slowly, whether for waiting or for handling, and the slowest calls.

// Waiting, handling, and the way back, as parts of one line.
function parts(c, most) {
  const waiting = Math.max(0, c.waiting), handling = Math.max(0, c.handling), rest = Math.max(0, c.total - waiting - handling);
  const part = (kind, ns, label) => ns > 0 ? el('i', { class: kind, style: `width:${(100 * ns / most).toFixed(2)}%`, title: label + ' ' + time(ns) }) : null;
  return el('span', { class: 'parts', role: 'img', 'aria-label': `waiting ${time(c.waiting)}, handling ${time(c.handling)}` },
    part('waiting', waiting, 'waiting'), part('handling', handling, 'handling'), part('rest', rest, c.waiting < 0 ? 'the server was not seen' : 'until the reply was taken'));
}

function serversView() {
  if (!servers.length) return [note('No calls of gen_server were put together. They are seen in the messages of who calls and who serves: message_send and message_receive.')];
  const spread = (kind, label, key) => ({ head: label, title: `${kind}, ${key}`, value: s => s[kind].calls ? s[kind][key] : -1, cell: s => s[kind].calls ? time(s[kind][key]) : '–' });
  const most = Math.max(...slow.map(c => c.total), 1), busiest = Math.max(...servers.map(s => s.total.calls), 1);
  return [panel('Servers', table([
    { head: 'server', text: true, wide: true, value: s => processName(s.process), cell: s => name(s.process ? processName(s.process) : '(not seen)') },
    { head: 'calls', value: s => s.total.calls, cell: s => bar(whole(s.total.calls), s.total.calls / busiest) },
    { head: 'no reply', title: 'calls whose reply was not seen', value: s => s.unanswered, cell: s => s.unanswered ? whole(s.unanswered) : '–' },
    spread('total', 'p50', 'p50'), spread('total', 'p95', 'p95'), spread('total', 'p99', 'p99'), spread('total', 'max', 'max'),
    { ...spread('waiting', 'waiting p95', 'p95'), title: 'how long the request waited until the server took it: 95 of 100 no longer', sort: -1 },
    { ...spread('waiting', 'most', 'max'), title: 'the longest wait' },
    { ...spread('handling', 'handling p95', 'p95'), title: 'from taking the request to sending the reply: 95 of 100 no longer' },
    { ...spread('handling', 'most', 'max'), title: 'the longest handling' },
  ], servers, { search: s => matches(processName(s.process)) }),
  note('A call is as long as its caller waited. Waiting: until the server took the request from its mailbox. Handling: until it sent the reply.')),
  panel('Slowest calls', el('p', { class: 'note' }, plural(D.calls_done, 'call') + ' in all; ',
    el('span', { class: 'key' }, el('i', { class: 'waiting' }), 'waiting'), el('span', { class: 'key' }, el('i', { class: 'handling' }), 'handling'), el('span', { class: 'key' }, el('i', { class: 'rest' }), 'the way back')),
  table([
    { head: 'took', value: c => c.total, cell: c => time(c.total), sort: -1 },
    { head: 'of which', text: true, value: c => c.waiting, cell: c => parts(c, most) },
    { head: 'waiting', value: c => c.waiting, cell: c => time(c.waiting) },
    { head: 'handling', value: c => c.handling, cell: c => time(c.handling) },
    { head: 'caller', text: true, value: c => processName(c.from), cell: c => name(processName(c.from)) },
    { head: 'server', text: true, value: c => processName(c.server), cell: c => name(c.server ? processName(c.server) : '(not seen)') },
    { head: 'request', text: true, wide: true, value: c => c.request, cell: c => el('code', { class: 'name', title: show(c.request), text: show(c.request) }) },
    { head: 'at', value: c => c.sent, cell: c => spans.length ? link(moment(c.sent), () => go('chart', { at: c.sent, width: c.total }), 'show this moment in the chart') : moment(c.sent) },
  ], slow, { search: c => matches(processName(c.from) + ' ' + processName(c.server) + ' ' + c.request), step: 25 }))];
}
