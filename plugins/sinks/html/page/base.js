// base.js: the data, by name instead of by place, and how figures and names are written.
//
// Text of the node only ever becomes text of the page (textContent), never markup.

const D = JSON.parse(document.getElementById('data').textContent);

const FUNCTION = ['name', 'calls', 'total', 'own', 'waited', 'raised', 'timed', 'p50', 'p95', 'p99', 'max', 'bars'];
const PROCESS = ['pid', 'node', 'group', 'parent', 'born', 'died', 'reason', 'events', 'calls', 'sent', 'received', 'own', 'links',
  'mailbox', 'mailboxAt'];
const PAIR = ['from', 'to', 'messages', 'bytes', 'timed', 'p50', 'p95', 'p99', 'max'];
const MESSAGE = ['sent', 'received', 'from', 'to', 'gen', 'text'];
const SPAN = ['process', 'fn', 'start', 'length', 'depth'];
const STACK = ['parent', 'fn', 'calls', 'total', 'own'];
const SLOW = ['total', 'waiting', 'handling', 'from', 'server', 'sent', 'request'];
const REASON = ['count', 'text', 'where', 'process', 'first', 'last'];

function named(names, row, i) {
  const o = { i };
  names.forEach((name, at) => { o[name] = row[at]; });
  return o;
}
const rowsOf = (names, list) => (list || []).map((row, i) => named(names, row, i));

const functions = rowsOf(FUNCTION, D.functions);
const processes = (D.processes || []).map((row, i) =>
  row.length === 1 ? { i, receiver: row[0], pid: '', group: -1, born: -1, died: -1, reason: -1, events: 0 } : named(PROCESS, row, i));
const pairs = rowsOf(PAIR, D.pairs), groupPairs = rowsOf(PAIR, D.group_pairs);
const messages = rowsOf(MESSAGE, D.messages), spans = rowsOf(SPAN, D.spans), stacks = rowsOf(STACK, D.stacks);
const slow = rowsOf(SLOW, D.slow), exits = rowsOf(REASON, D.exits), exceptions = rowsOf(REASON, D.exceptions);
const SPREAD = ['calls', 'p50', 'p95', 'p99', 'max'];
const servers = (D.servers || []).map((row, i) => ({ i, process: row[0], unanswered: row[1], total: named(SPREAD, row.slice(2, 7)),
  waiting: named(SPREAD, row.slice(7, 12)), handling: named(SPREAD, row.slice(12, 17)) }));
const nodeName = n => { const node = (D.nodes || []).find(x => x.n === n); return node ? node.name : ''; };
const several = (D.nodes || []).length > 1;

// ---- Elements

function attach(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (key === 'text') node.textContent = value;
    else node.setAttribute(key, value === true ? '' : value);
  }
  for (const child of children.flat(4)) if (child !== null && child !== undefined && child !== false)
    node.append(child instanceof Node ? child : String(child));
  return node;
}
const el = (tag, attributes, ...children) => attach(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) =>
  attach(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
const clear = node => { node.replaceChildren(); return node; };

// ---- Text

// What would not be seen, or would turn the text around, as its number.
const show = text => String(text).replace(
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g,
  c => c === '\n' ? '\u21b5' : '\\x' + c.charCodeAt(0).toString(16));

const whole = n => Number(n).toLocaleString('en-US');
function time(ns) {
  if (ns === null || ns === undefined || ns < 0) return '–';
  const digits = (v, unit) => (v < 10 ? v.toFixed(2) : v < 100 ? v.toFixed(1) : v.toFixed(0)) + ' ' + unit;
  if (ns < 1000) return ns + ' ns';
  if (ns < 999500) return digits(ns / 1e3, 'µs');
  if (ns < 999.5e6) return digits(ns / 1e6, 'ms');
  if (ns < 120e9) return digits(ns / 1e9, 's');
  const s = Math.round(ns / 1e9);
  return s < 7200 ? Math.floor(s / 60) + ' min ' + String(s % 60).padStart(2, '0') + ' s' : (s / 3600).toFixed(1) + ' h';
}
// A moment of the trace, exact enough to find it again.
const moment = ns => ns < 0 ? '–' : (ns / 1e9).toFixed(D.span < 1e9 ? 6 : D.span < 1e12 ? 4 : 2) + ' s';
function bytes(n) {
  if (n < 1000) return n + ' B';
  return n < 1e6 ? (n / 1e3).toFixed(1) + ' kB' : n < 1e9 ? (n / 1e6).toFixed(1) + ' MB' : (n / 1e9).toFixed(1) + ' GB';
}
const percent = (part, all) => all > 0 ? (100 * part / all).toFixed(part / all < 0.0995 ? 1 : 0) + ' %' : '–';
const plural = (n, one, more) => whole(n) + ' ' + (n === 1 ? one : more || one + 's');

// ---- Names

const functionName = i => i ? show(functions[i].name) : '(other functions)';
function groupName(g) {
  if (g < 0) return show((processes[-1 - g] || {}).receiver || '?');
  const [name, node] = D.groups[g] || ['?', -1];
  return (name ? show(name) : 'unnamed') + (several && node >= 0 ? ' @ ' + show(nodeName(node)) : '');
}
function processName(i) {
  const p = processes[i];
  if (!i || !p) return '(others)';
  if (p.receiver !== undefined) return show(p.receiver);
  const [name] = p.group > 0 ? D.groups[p.group] : [''];
  return (name ? show(name) + ' ' : '') + show(p.pid);
}
// What something is called, shorter where it must be; the whole of it is its title.
const name = text => el('span', { class: 'name', title: text, text });
const link = (text, go, title) => el('button', { class: 'link name', type: 'button', title: title || text, onclick: e => {
  e.stopPropagation();
  go();
}, text });

// Functions of one module have one hue; modules that stand beside each other in the table, hues that are far apart.
const moduleOf = text => text.replace(/^anonymous fn\/\d+ in /, '').replace(/[:.][^:.]*$/, '');
const hues = new Map();
for (const f of functions) if (f.name && !hues.has(moduleOf(show(f.name)))) hues.set(moduleOf(show(f.name)), (205 + hues.size * 137.5) % 360);
const dark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
};
// `thin`: it is but a hair, and must be seen all the same.
function colour(text, thin) {
  let shade = 0;
  for (const c of text) shade = (shade * 31 + c.codePointAt(0)) % 8;
  const h = hues.has(moduleOf(text)) ? hues.get(moduleOf(text)) : 220;
  if (thin) return dark() ? `hsl(${h} 50% 62%)` : `hsl(${h} 60% 48%)`;
  return dark() ? `hsl(${h} 36% ${29 + shade}%)` : `hsl(${h} 62% ${76 + shade}%)`;
}

// How things stand, for all views: what is searched for, and how views tell each other to go somewhere.
const state = { query: '', view: 'overview' };
const matches = text => !state.query || String(text).toLowerCase().includes(state.query);
const note = (...text) => el('p', { class: 'note' }, ...text);
const panel = (title, ...body) => el('section', { class: 'panel' }, title && el('h2', { text: title }), ...body);
