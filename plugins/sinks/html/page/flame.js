// flame.js: the flame graph: all stacks of calls as one tree, the callers above what they called. Each box is a button: it
// takes the focus by the arrow keys, Enter makes it as wide as the page, Backspace goes back.

// What a box is wide by: what it has by itself, to which all below it is added; and how that is written.
const METRICS = { own: ['own time', s => s.own, time], clock: ['time by the clock', s => s.itself, time], calls: ['calls', s => s.calls, n => plural(n, 'call')] };
const DEEPEST = 60; // rows

function flameTree(metric) {
  const root = { fn: -1, children: [], value: 0, calls: 0, total: 0, own: 0, parent: null, depth: 0 };
  const at = stacks.map(s => ({ ...s, children: [], itself: s.total }));
  for (const s of at) if (s.parent >= 0) at[s.parent].itself -= s.total;
  for (const s of at) {
    s.itself = Math.max(0, s.itself);
    s.value = metric(s);
  }
  at.forEach((s, i) => {
    const parent = stacks[i].parent < 0 ? root : at[stacks[i].parent];
    s.parent = parent;
    s.depth = parent.depth + 1;
    parent.children.push(s);
  });
  for (let i = at.length - 1; i >= 0; i--) at[i].parent.value += at[i].value;  // callers stand before what they call
  const order = s => s.children.sort((a, b) => b.value - a.value);
  at.forEach(order);
  order(root);
  root.calls = root.children.reduce((n, s) => n + s.calls, 0);
  return root;
}

const flameName = s => s.fn < 0 ? 'all traced calls' : functionName(s.fn);

function flameView() {
  const timed = stacks.some(s => s.own > 0);
  if (profiled) return [note('A profile has no stacks: the VM counts functions, each by itself.')];
  if (!stacks.length) return [note('The flame graph needs the ends of calls: function_call and function_return under events in [session].')];
  let metric = timed ? 'own' : 'calls', root = flameTree(METRICS[metric][1]), zoom = root, focused = root;
  const graph = el('div', { class: 'flame', role: 'tree', 'aria-label': 'flame graph' }), about = el('p', { class: 'about', 'aria-live': 'polite' });
  const path = el('nav', { class: 'path', 'aria-label': 'where the graph is' });
  let boxes = new Map();

  function say(s) {
    const f = METRICS[metric][2];
    clear(about).append(el('strong', { text: flameName(s) }), ` ${f(s.value)} with all below it, ${percent(s.value, root.value)}` +
      (s === root ? '' : `; its own ${time(s.own)}, ${plural(s.calls, 'call')}, ${time(s.total)} by the clock`));
  }
  function into(s) {
    zoom = focused = s;
    draw();
    boxes.get(s).focus({ preventScroll: true });
  }
  function move(s, e) {
    const siblings = s.parent ? s.parent.children.filter(c => boxes.has(c)) : [s], here = siblings.indexOf(s);
    const to = { ArrowUp: s.parent, ArrowDown: s.children.find(c => boxes.has(c)), ArrowLeft: siblings[here - 1], ArrowRight: siblings[here + 1] }[e.key];
    if (e.key.startsWith('Arrow')) {
      e.preventDefault();
      if (to && boxes.has(to)) boxes.get(to).focus();
    } else if ((e.key === 'Backspace' || e.key === 'Escape') && zoom.parent) {
      e.preventDefault();
      e.stopPropagation();
      into(zoom.parent);
    }
  }
  function box(s, left, width, row) {
    const text = flameName(s), hit = state.query && s.fn >= 0 && matches(text);
    const b = el('button', { type: 'button', role: 'treeitem', class: 'box' + (hit ? ' hit' : state.query && s.fn >= 0 ? ' miss' : '') + (s.depth < zoom.depth ? ' above' : ''),
      tabindex: s === focused ? 0 : -1, 'aria-label': text + ', ' + METRICS[metric][2](s.value), title: text + '\n' + METRICS[metric][2](s.value) + ', ' + percent(s.value, root.value),
      style: `left:${(100 * left).toFixed(3)}%;width:${(100 * width).toFixed(3)}%;top:${row * 22}px;background:${s.fn < 0 ? 'var(--raised)' : colour(text)}`,
      onclick: () => into(s), onfocus: () => { focused = s; say(s); }, onmouseenter: () => say(s), onkeydown: e => move(s, e) },
      width * graph.clientWidth > 26 ? text : '');
    boxes.set(s, b);
    graph.append(b);
  }
  function draw() {
    clear(graph);
    boxes = new Map();
    const line = [];
    for (let s = zoom; s; s = s.parent) line.unshift(s);
    line.forEach((s, row) => box(s, 0, 1, row));
    let deepest = line.length;
    // Narrower than a hair, or deeper than the page is long, are not drawn; zooming in brings them.
    const below = (s, left, width, row) => {
      if (row >= line.length + DEEPEST || !s.value) return;
      let x = left;
      for (const c of s.children) {
        const w = width * c.value / s.value;
        if (w * (graph.clientWidth || 1000) >= 1.5) {
          box(c, x, w, row);
          deepest = Math.max(deepest, row + 1);
          below(c, x, w, row + 1);
        }
        x += w;
      }
    };
    below(zoom, 0, 1, line.length);
    graph.style.height = deepest * 22 + 'px';
    clear(path).append(...line.map((s, i) => [i ? ' › ' : '', s === zoom ? el('span', { text: flameName(s) }) : link(flameName(s), () => into(s))]).flat());
    say(zoom);
  }
  const choice = el('select', { 'aria-label': 'what the width of a box means', onchange: e => {
    metric = e.target.value;
    root = zoom = focused = flameTree(METRICS[metric][1]);
    draw();
  } }, Object.entries(METRICS).map(([key, [label]]) => el('option', { value: key, selected: key === metric }, label)));
  const observer = new ResizeObserver(() => { if (graph.isConnected && graph.clientWidth !== observer.width) { observer.width = graph.clientWidth; draw(); } });
  observer.observe(graph);
  return [el('div', { class: 'tools' }, el('label', {}, 'Width: ', choice), el('button', { type: 'button', onclick: () => into(root) }, 'Whole graph'), path),
    graph, about, note('Callers stand above what they called. ', timed ? 'Own time is ' + D.own_means + '. ' : '',
      'Click or press Enter to zoom in, Backspace to zoom out, arrow keys to move; search marks functions.')];
}
