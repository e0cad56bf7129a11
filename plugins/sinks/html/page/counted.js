// counted.js: a profile: what the VM has counted, by function and by process. There are no events in it, and no stacks.

const COUNTED = ['name', 'calls', 'ns', 'bytes'];
const CALLS = 1, TIME = 2, MEMORY = 4; // in D.counts
const counted = rowsOf(COUNTED, D.counted), countedBy = rowsOf(COUNTED, D.counted_by);
const countedAll = named(COUNTED, D.counted_all || ['', 0, 0, 0], 0);
const counts = what => (D.counts & what) !== 0;
// Nothing but a profile: what is told of events is nothing then.
const profiled = counts(CALLS) && Object.keys(D.kinds).every(kind => kind === 'function_counters');

const countedName = row => row.name ? show(row.name) : '(other functions)';
const processOf = row => row.name ? processName(row.name) : '(others)';
// What shares are of: time, where it was counted.
const weightOf = row => counts(TIME) ? row.ns : counts(MEMORY) ? row.bytes : row.calls;

function countedTable(title, nameOf, rows, more) {
  const list = rows.filter(row => row.calls || weightOf(row)), most = Math.max(...list.map(weightOf), 1), all = weightOf(countedAll);
  const lead = (first, text) => row => first ? bar(text(row), weightOf(row) / most) : text(row); // the number that shares are of
  return panel(title, table([
    { head: title === 'By process' ? 'process' : 'function', text: true, wide: true, value: nameOf, cell: row => name(nameOf(row)) },
    { head: 'calls', value: row => row.calls, cell: lead(!counts(TIME | MEMORY), row => whole(row.calls)), sort: counts(TIME | MEMORY) ? undefined : -1 },
    ...counts(TIME) ? [
      { head: 'time', title: 'its own, without other functions that were counted', value: row => row.ns, cell: lead(true, row => time(row.ns)), sort: -1 },
      { head: 'a call', title: 'time a call', value: row => row.calls ? row.ns / row.calls : -1, cell: row => row.calls ? time(Math.round(row.ns / row.calls)) : '–' }] : [],
    ...counts(MEMORY) ? [
      { head: 'memory', title: 'what it took of the heap', value: row => row.bytes, cell: lead(!counts(TIME), row => bytes(row.bytes)), sort: counts(TIME) ? undefined : -1 }] : [],
    { head: 'share', title: 'its part of the ' + (counts(TIME) ? 'time' : counts(MEMORY) ? 'memory' : 'calls') + ' of all', value: weightOf, cell: row => percent(weightOf(row), all) },
  ], list, { search: row => matches(nameOf(row)) }), more);
}

function countedPanels() {
  if (!counts(CALLS)) return [];
  return [countedTable('By function', countedName, counted, note('As the VM counted. ' +
    (counts(TIME) ? 'Time is a function’s own: without that of others that were counted too, and without what its process waited.' : ''))),
  counts(TIME | MEMORY) ? countedTable('By process', processOf, countedBy) : null];
}

// For the overview: [label, figure, more, where it leads]
function countedTiles() {
  if (!counts(CALLS)) return [];
  const here = () => go('functions'), by = countedBy.filter(row => row.name).length;
  return [['counted calls', whole(countedAll.calls), 'by the VM', here], ['functions', whole(D.counted_functions), 'that were called', here],
    counts(TIME) && ['time', time(countedAll.ns), 'in them', here], counts(MEMORY) && ['memory', bytes(countedAll.bytes), 'of heap', here],
    by && ['processes', whole(D.counted_processes), 'that called them', here]].filter(Boolean);
}

function countedFindings(add) {
  const first = (what, rows) => rows.slice(1).reduce((a, b) => b[what] > (a ? a[what] : 0) ? b : a, null);
  const tell = (question, what, text) => {
    const row = first(what, counted);
    if (row) add(question, countedName(row), `${text(row[what])}, ${percent(row[what], countedAll[what])} of what was counted`, () => go('functions', { find: row.name }));
  };
  if (counts(TIME)) tell('Where does the time go?', 'ns', time);
  if (counts(MEMORY)) tell('What takes memory?', 'bytes', bytes);
  if (counts(CALLS)) tell('What is called most?', 'calls', n => plural(n, 'call'));
  const busy = counts(TIME) && first('ns', countedBy);
  if (busy) add('Who is busy?', processOf(busy), `${time(busy.ns)}, ${percent(busy.ns, countedAll.ns)} of what was counted`, () => go('functions'));
}
