// functions.js: the table of functions, with how their times are spread and who calls them.

// Of each function, its callers and callees, from the tree of calls.
function around(fn) {
  const callers = new Map(), callees = new Map();
  const add = (map, key, n) => map.set(key, (map.get(key) || 0) + n);
  for (const s of stacks) {
    const parent = s.parent < 0 ? -1 : stacks[s.parent].fn;
    if (s.fn === fn) add(callers, parent, s.calls);
    if (parent === fn) add(callees, s.fn, s.calls);
  }
  const list = map => [...map].sort((a, b) => b[1] - a[1]).slice(0, 8).map(([key, n]) => el('li', {},
    key < 0 ? 'no traced function' : link(functionName(key), () => go('functions', { find: functions[key].name })), ' ' + whole(n) + '×'));
  return [callers.size ? el('div', {}, el('h3', { text: 'Called from' }), el('ul', {}, list(callers))) : null,
    callees.size ? el('div', {}, el('h3', { text: 'Calls' }), el('ul', {}, list(callees))) : null];
}

function functionDetail(f) {
  return el('div', { class: 'more-of' },
    el('div', {}, el('h3', { text: 'How long its calls took' }), histogram(f.bars, [['p50', f.p50], ['p95', f.p95], ['p99', f.p99]])),
    el('div', { class: 'facts' },
      el('dl', {}, [['calls', whole(f.calls)], ['with a time', whole(f.timed)], ['total', time(f.total)], ['own', time(f.own)],
        ['waited in it', time(f.waited)], ['left by an exception', whole(f.raised)]].map(([k, v]) => [el('dt', { text: k }), el('dd', { text: v })])),
      el('p', {}, link('show it in the flame graph', () => go('flame', { find: f.name })), ' · ', link('its longest call in the chart', () => longest(f.i)))),
    around(f.i));
}

function longest(fn) {
  let best = null;
  for (const s of spans) if (s.fn === fn && (!best || s.length > best.length)) best = s;
  if (best) go('chart', { span: best });
}

function functionsView() {
  const list = functions.filter(f => f.calls), own = list.reduce((n, f) => n + f.own, 0), most = Math.max(...list.map(f => f.own), 1);
  const timed = list.some(f => f.timed);
  if (profiled) return countedPanels();
  if (!list.length) return [countedPanels(), note('No calls were traced. Ask for function_call (and function_return, for times) under events in [session].')];
  return [countedPanels(), timed ? note('Own time is ' + D.own_means + '. ' + D.own_doubt + ' Percentiles are right within 2 %; tracing is in all times.')
    : note('No returns were traced, so calls have no times: function_return under events in [session] brings them.'),
  table([
    { head: 'function', text: true, wide: true, value: f => functionName(f.i), cell: f => name(functionName(f.i)) },
    { head: 'calls', value: f => f.calls, cell: f => whole(f.calls), sort: timed ? undefined : -1 },
    { head: 'own', title: 'own time: ' + D.own_means, value: f => f.timed ? f.own : -1, cell: f => f.timed ? bar(time(f.own), f.own / most) : '–', sort: timed ? -1 : undefined },
    { head: 'share', title: 'its part of the own time of all', value: f => f.own, cell: f => f.timed ? percent(f.own, own) : '–' },
    { head: 'total', title: 'with what it called', value: f => f.timed ? f.total : -1, cell: f => f.timed ? time(f.total) : '–' },
    ...times('p50', 'p95', 'p99', 'max'),
    { head: 'raised', title: 'calls that an exception left', value: f => f.raised, cell: f => f.raised ? whole(f.raised) : '–' },
  ], list, { search: f => matches(functionName(f.i)), open: functionDetail })];
}
