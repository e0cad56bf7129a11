// overview.js: what was traced, what is missing, and where to look first.

const RATES = ['calls', 'messages sent', 'messages received', 'processes', 'other events'];

function tiles() {
  const k = D.kinds, sum = (...names) => names.reduce((n, name) => n + (k[name] || 0), 0), seconds = D.span / 1e9;
  const tile = (label, figure, more, go, bad) => el(go ? 'button' : 'div', { type: go && 'button', class: 'tile' + (bad ? ' bad' : ''), onclick: go },
    el('span', { class: 'label', text: label }), el('strong', { text: figure }), el('small', { text: more || '\u00a0' }));
  const perSecond = n => seconds > 0 ? whole(Math.round(n / seconds)) + '/s' : '';
  const lost = D.nodes.reduce((n, x) => n + x.lost, 0), gap = D.nodes.reduce((n, x) => n + x.gap, 0);
  const calls = sum('function_call'), sent = sum('message_send');
  return el('div', { class: 'tiles' }, countedTiles().map(t => tile(...t)), profiled ? null : [
    tile('events', whole(D.events), perSecond(D.events)),
    tile('calls', whole(calls), perSecond(calls), calls ? () => go('functions') : null),
    tile('messages sent', whole(sent), perSecond(sent), sent ? () => go('messages') : null),
    tile('gen_server calls', whole(D.calls_done || 0), D.calls_unanswered ? plural(D.calls_unanswered, 'without a reply', 'without a reply') : 'with their replies',
      D.calls_done ? () => go('servers') : null),
    tile('processes', whole(processes.filter(p => p.i && p.events).length + D.processes_left),
      whole(sum('process_start')) + ' began', () => go('processes')),
    tile('exceptions', whole(D.raised), 'each counted once', D.raised ? () => go('processes') : null)],
    tile('lost events', whole(lost), lost ? 'see below' : 'nothing', null, lost > 0),
    tile('not traced', gap ? time(gap) : 'never', gap ? plural(D.nodes.reduce((n, x) => n + x.gaps, 0), 'gap') : 'no gaps', null, gap > 0));
}

// Stacked areas; gaps as stripes over them.
function rateChart() {
  let rates = D.rates, bucket = D.rate_width;
  while (rates[0].length > 200) { // a picture has no more
    rates = rates.map(r => Array.from({ length: Math.ceil(r.length / 2) }, (_, i) => r[2 * i] + (r[2 * i + 1] || 0)));
    bucket *= 2;
  }
  const buckets = rates[0].length, width = 1000, height = 150;
  if (!buckets) return note('There were no events.');
  const sums = Array.from({ length: buckets }, (_, i) => rates.reduce((n, r) => n + r[i], 0)), most = Math.max(...sums, 1);
  const end = buckets * bucket, x = t => width * t / end, y = n => height * (1 - n / most);
  const g = svg('svg', { class: 'rates', viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': 'events over time' });
  const base = new Array(buckets).fill(0);
  rates.forEach((rate, kind) => {
    if (!rate.some(n => n)) return;
    let upper = '', lower = '';
    rate.forEach((n, i) => {
      const from = x(i * bucket).toFixed(1), to = x((i + 1) * bucket).toFixed(1);
      lower = `L${to},${y(base[i]).toFixed(1)}L${from},${y(base[i]).toFixed(1)}` + lower;
      base[i] += n;
      upper += `L${from},${y(base[i]).toFixed(1)}L${to},${y(base[i]).toFixed(1)}`;
    });
    g.append(svg('path', { class: 'rate r' + kind, d: 'M' + upper.slice(1) + lower + 'Z' }, svg('title', {}, RATES[kind])));
  });
  for (const [node, start, length, why] of D.gaps)
    g.append(svg('rect', { class: 'gap', x: x(start - D.rate_from), y: 0, width: Math.max(1, x(length)), height },
      svg('title', {}, show(nodeName(node)) + ' was not traced for ' + time(length) + ' (' + why + ')')));
  for (const [, at, , text] of D.marks) {
    const left = Math.max(0, Math.min(width, x(at - D.rate_from)));
    g.append(svg('line', { class: 'mark', x1: left, x2: left, y1: 0, y2: height }, svg('title', {}, show(text) + ', at ' + moment(at))));
  }
  return el('figure', {},
    el('div', { class: 'yaxis' }, whole(Math.round(most / (bucket / 1e9))) + ' events/s at most'), g,
    el('div', { class: 'xaxis' }, el('span', {}, '0 s'), el('span', {}, moment(Math.round(end / 2))), el('span', {}, moment(end))),
    el('figcaption', {}, RATES.map((label, kind) => rates[kind].some(n => n) && el('span', { class: 'key' }, el('i', { class: 'r' + kind }), label)),
      D.gaps.length ? el('span', { class: 'key' }, el('i', { class: 'gap' }), 'not traced') : null,
      D.marks.length ? el('span', { class: 'key' }, el('i', { class: 'mark' }), 'start_on, stop_on, follow') : null));
}

// The first answer to each question, and the way to the rest.
function findings() {
  const list = [], add = (question, answer, figure, more) => list.push(el('button', { type: 'button', class: 'finding', onclick: more },
    el('span', { class: 'label', text: question }), el('strong', { class: 'name', title: answer, text: answer }), el('small', { text: figure })));
  const own = functions.reduce((n, f) => n + f.own, 0), best = (rows, value) => rows.reduce((a, b) => value(b) > (a ? value(a) : 0) ? b : a, null);
  const busy = best(functions.slice(1), f => f.own), late = best(functions.slice(1), f => f.p99);
  countedFindings(add);
  if (busy) add('Where does the time go?', functionName(busy.i), time(busy.own) + ' of its own, ' + percent(busy.own, own) + ' of all traced calls',
    () => go('functions', { find: functions[busy.i].name }));
  if (late) add('Which function is slow?', functionName(late.i), 'p99 ' + time(late.p99) + ', ' + plural(late.calls, 'call'), () => go('functions', { find: functions[late.i].name }));
  if (slow.length) add('What waits for whom?', groupName(groupOf(slow[0].from)) + ' → ' + groupName(groupOf(slow[0].server)), time(slow[0].total) + ', of which ' +
    time(slow[0].waiting) + ' waiting', () => go('servers'));
  const flood = best(groupPairs, p => p.messages);
  if (flood) add('Who talks most?', groupName(flood.from) + ' → ' + groupName(flood.to), plural(flood.messages, 'message') + ', ' + bytes(flood.bytes), () => go('messages'));
  const deep = best(processes.slice(1), p => p.mailbox || 0);
  if (deep) add('Whose mailbox is long?', processName(deep.i), plural(deep.mailbox, 'message') + ' at ' + moment(deep.mailboxAt), () => go('mailboxes'));
  const fatal = best(exits.filter(r => r.text && !['normal', 'shutdown', ':normal', ':shutdown'].includes(r.text)), r => r.count);
  if (fatal) add('Why do processes end?', show(fatal.text), plural(fatal.count, 'process', 'processes') + (fatal.where ? ', in ' + show(fatal.where) : ''), () => go('processes'));
  const raised = best(exceptions.filter(r => r.text), r => r.count);
  if (raised) add('What is raised?', show(raised.text), plural(raised.count, 'time') + ', first in ' + show(raised.where), () => go('processes'));
  return list.length ? panel('Where to look first', el('div', { class: 'findings' }, list)) : null;
}

function nodesPanel() {
  const why = node => node.missing.map(([reason, lost, gap, key]) => el('div', {},
    [lost && plural(lost, 'event') + ' lost', gap && 'not traced for ' + time(gap)].filter(Boolean).join(', ') + ' (' + reason + ')',
    key ? el('span', {}, ': raise ', el('code', { text: key }), ' in [session]') : ''));
  return panel('Nodes', table([
    { head: 'node', text: true, wide: true, value: n => n.name, cell: n => name(show(n.name)), sort: 1 },
    { head: 'OTP', text: true, value: n => n.release, cell: n => show(n.release) || '?' },
    { head: 'events', value: n => n.events, cell: n => whole(n.events) },
    { head: 'lost', value: n => n.lost, cell: n => whole(n.lost) },
    { head: 'not traced', value: n => n.gap, cell: n => n.gap ? time(n.gap) : '–' },
    { head: 'what is missing, and why', text: true, wide: true, value: n => n.missing.length, cell: n => [why(n),
      n.without_returns.length ? el('div', {}, 'without returns in the end: ' + n.without_returns.map(show).join(', ')) : null,
      !n.missing.length && !n.without_returns.length ? 'nothing' : null] },
  ], D.nodes));
}

// Where what start_on, stop_on and follow wait for came true: there the timeline begins to be worth a look.
function marksPanel() {
  if (!D.marks.length) return null;
  const around = m => go('chart', { at: m[1], width: Math.max(D.span / 200, 1e5) });
  return panel('Marks: what came true, and where', table([
    { head: 'when', value: m => m[1], cell: m => spans.length ? link(moment(m[1]), () => around(m), 'the timeline there') : moment(m[1]), sort: 1 },
    { head: 'what', text: true, wide: true, value: m => m[3], cell: m => name(show(m[3])) },
    { head: 'process', text: true, value: m => m[2], cell: m => m[2] < 0 ? '–' : name(processName(m[2])) },
    several && { head: 'node', text: true, value: m => nodeName(m[0]), cell: m => name(show(nodeName(m[0]))) },
  ].filter(Boolean), D.marks));
}

// What did not fit. The bounds are the sink's: a page is a few MB, whatever the trace.
function leftOut() {
  const l = D.left_out, list = [], add = (n, text) => { if (n > 0) list.push(el('li', { text })); };
  const more = D.function_count - (functions.length - 1), uncounted = D.counted_functions - (counted.length - 1), unlisted = D.counted_processes - (countedBy.length - 1);
  add(more, plural(more, 'function') + ' with the least time of their own stand as one, “other functions”');
  add(uncounted, plural(uncounted, 'counted function') + ' with the least stand as one, “other functions”');
  add(unlisted, plural(unlisted, 'counted process', 'counted processes') + ' with the least stand as one, “others”');
  add(D.processes_left, plural(D.processes_left, 'process', 'processes') + ' with few events stand as one, “others”');
  add(l.process_events, plural(l.process_events, 'event') + ' of processes that came when there were too many already, told as “others”');
  add(D.stacks_left + l.stacks, plural(D.stacks_left + l.stacks, 'place', 'places') + ' of the flame graph, those with the least time');
  add(l.deep, plural(l.deep, 'call') + ' so deep in others that they count for the one above them');
  add(l.spans, plural(l.spans, 'call') + ' in the chart' + (l.span_least ? ': those shorter than ' + time(l.span_least) : ''));
  add(l.messages, plural(l.messages, 'message') + ' one by one: the first ' + whole(D.messages_head) + ' and the last ' +
    whole(messages.length - D.messages_head) + ' are here (all are in the sums)');
  add(l.pairs, plural(l.pairs, 'message') + ' of pairs of processes, after too many different pairs');
  add(l.pair_times, 'how long ' + plural(l.pair_times, 'message') + ' took, of pairs of processes that came after too many others');
  add(D.pair_messages_left, plural(D.pair_messages_left, 'message') + ' of the pairs that said least (their groups have them)');
  add(l.servers, plural(l.servers, 'gen_server call') + ' in the table of servers');
  add(l.links, plural(l.links, 'link'));
  add(l.mailboxes, plural(l.mailboxes, 'sample') + ' of mailboxes that were shorter than those shown');
  add(l.marks, plural(l.marks, 'mark') + ' of start_on, stop_on and follow, after the first ' + whole(D.marks.length));
  add(l.gaps, plural(l.gaps, 'gap') + ' in the picture (all are in the sums)');
  return panel('What is not on this page', list.length ? el('ul', {}, list) : note('Nothing was left out.'),
    profiled ? null : note('Times are by the clock, and tracing is in them. Own time is ' + D.own_means + '. ' + D.own_doubt));
}

function overview() {
  return [tiles(), profiled ? null : panel('Events over time', rateChart()), findings(), marksPanel(), nodesPanel(), leftOut(),
    el('details', { class: 'panel' }, el('summary', {}, 'Configuration of this run'), el('pre', { text: D.config.replace(/[^\n\x20-\uffff]/g, show) }))];
}
