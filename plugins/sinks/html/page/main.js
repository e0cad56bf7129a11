// main.js: the frame around the views: which one is shown, search, keys, light and dark. Comes last, and begins.

const VIEWS = {
  overview: ['Overview', overview, () => 1],
  functions: ['Functions', functionsView, () => functions.slice(1).filter(f => matches(functionName(f.i))).length + counted.slice(1).filter(c => matches(countedName(c))).length],
  flame: ['Flame graph', flameView, () => stacks.filter(s => matches(functionName(s.fn))).length],
  chart: ['Timeline', chartView, () => spans.filter(s => matches(functionName(s.fn))).length],
  messages: ['Messages', messagesView, () => groupPairs.filter(p => matches(groupName(p.from) + ' ' + groupName(p.to))).length + messages.filter(m => matches(m.text)).length],
  servers: ['gen_server', serversView, () => servers.filter(s => matches(processName(s.process))).length + slow.filter(c => matches(c.request)).length],
  processes: ['Processes', processesView, () => processes.filter(p => p.i && matches(processName(p.i))).length + exits.concat(exceptions).filter(r => r.text && matches(r.text)).length],
  mailboxes: ['Mailboxes', mailboxesView, () => D.mailboxes.filter(m => matches(processName(m[0]))).length],
};
const nav = el('nav', { 'aria-label': 'views' }), main = el('main', { id: 'view', tabindex: -1 });
const find = el('input', { type: 'search', id: 'find', placeholder: 'search  /', 'aria-label': 'search all views', autocomplete: 'off', spellcheck: 'false' });

function tabs() {
  clear(nav).append(...Object.entries(VIEWS).map(([key, [label, , count]], n) => {
    const found = state.query && key !== 'overview' ? count() : null;
    return el('a', { href: '#' + key, 'aria-current': key === state.view ? 'page' : null, class: found === 0 ? 'empty' : '', title: 'key ' + (n + 1) }, label,
      found ? el('span', { class: 'found', text: whole(found) }) : null);
  }));
  const here = nav.querySelector('[aria-current]');
  if (here) nav.scrollLeft = Math.max(0, here.offsetLeft - 80);
}
function draw(wanted) {
  tabs();
  clear(main).append(...[VIEWS[state.view][1](wanted)].flat(3).filter(Boolean));
  main.dataset.view = state.view;
}
// Another view, with something to find or to show there.
function go(view, wanted = {}) {
  state.view = view;
  if (wanted.find !== undefined) search(wanted.find);
  else if (wanted.span || wanted.at !== undefined) search('');
  if (location.hash !== '#' + view) history.pushState(null, '', '#' + view);
  draw(wanted);
  scrollTo(0, 0);
  main.focus({ preventScroll: true });
}
function search(text) {
  find.value = text;
  state.query = text.trim().toLowerCase();
}
let waiting = 0;
find.addEventListener('input', () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => { search(find.value); draw(); }, 120);
});
find.addEventListener('keydown', e => {
  if (e.key === 'Enter') { // to the first view that has it
    search(find.value);
    const at = Object.keys(VIEWS).filter(key => key !== 'overview' && VIEWS[key][2]() > 0);
    if (state.query && at.length && !at.includes(state.view)) go(at[0]); else draw();
  } else if (e.key === 'Escape') { search(''); draw(); main.focus(); }
});

function fromAddress() {
  const view = location.hash.slice(1);
  state.view = VIEWS[view] ? view : 'overview';
  draw();
}
addEventListener('popstate', fromAddress);
nav.addEventListener('click', e => {
  const a = e.target.closest('a');
  if (a) { e.preventDefault(); go(a.hash.slice(1)); }
});

const help = el('dialog', { id: 'help', 'aria-label': 'keys' }, el('h2', { text: 'Keys' }), el('dl', {}, [['1 … 8', 'the views'], ['/', 'search; Enter goes to the first view that has it, Escape clears it'],
  ['t', 'light or dark'], ['Tab, Enter', 'through rows and boxes; Enter opens one'], ['↑ ↓ ← →', 'through the rows of a table, the boxes of the flame graph, the timeline'], ['+ − 0', 'zoom the timeline'], ['Backspace', 'zoom the flame graph out']]
  .map(([k, v]) => [el('dt', {}, el('kbd', { text: k })), el('dd', { text: v })])), el('form', { method: 'dialog' }, el('button', {}, 'Close')));
function theme() {
  document.documentElement.dataset.theme = dark() ? 'light' : 'dark';
  draw();
}
addEventListener('keydown', e => {
  if (e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) return;
  const view = Object.keys(VIEWS)[Number(e.key) - 1];
  if (e.key === '/') { e.preventDefault(); find.focus(); find.select(); }
  else if (e.key === '?') help.showModal();
  else if (e.key === 't') theme();
  else if (view && e.key > '0') go(view);
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => draw());

const title = D.nodes.length ? D.nodes.map(n => show(n.name)).join(', ') : 'no node';
document.title = 'beamtap: ' + title;
document.body.append(el('header', {}, el('div', { class: 'top' }, el('h1', {}, el('span', { class: 'brand' }, 'beamtap'), ' ', el('span', { class: 'nodes', title, text: title })),
  el('span', { class: 'when', text: D.began > 0 ? new Date(Math.min(D.began, 8e15)).toISOString().replace('T', ' ').slice(0, 19) + ' UTC' + (profiled ? '' : ', ' + time(D.span)) : 'no events' }), find,
  el('button', { type: 'button', onclick: theme, 'aria-label': 'light or dark', title: 'light or dark (t)' }, '◐'),
  el('button', { type: 'button', onclick: () => help.showModal(), 'aria-label': 'keys', title: 'keys (?)' }, '?')), nav), main, help);
fromAddress();
