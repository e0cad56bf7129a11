// chart.js: the flame chart: calls one by one over time, a lane for each process, drawn on a canvas of which only what is seen
// is painted. Drag or the arrow keys move it, + and - or the wheel with ctrl zoom, a double click takes a call as wide as it goes.

const ROW = 17, LANE = 19, ROWS = 14;

// Processes that come and go share a lane where they have one name and do not meet.
function lanesOf() {
  const by = new Map();
  for (const s of spans) {
    if (!by.has(s.process)) by.set(s.process, { spans: [], start: s.start, end: 0 });
    const p = by.get(s.process);
    p.spans.push(s);
    p.end = Math.max(p.end, s.length < 0 ? Infinity : s.start + s.length);
  }
  const lanes = [], of = new Map();
  for (const [process, p] of by) {
    const group = process ? processes[process].group : 0, alike = group > 0 && D.groups[group][0] ? of.get(group) || [] : [];
    let lane = alike.find(l => l.end < p.start);
    if (!lane) {
      lane = { processes: [], spans: [], rows: 1, end: 0, group };
      lanes.push(lane);
      of.set(group, [...alike, lane]);
    }
    lane.processes.push(process);
    lane.end = p.end;
    for (const s of p.spans) {
      lane.spans.push(s);
      lane.rows = Math.min(ROWS, Math.max(lane.rows, s.depth + 1));
    }
  }
  for (const l of lanes) {
    const n = l.processes.length;
    l.label = n === 1 ? processName(l.processes[0]) : groupName(l.group) + ' (' + plural(n, 'process', 'processes') + ', one after the other)';
  }
  return lanes;
}

function chartView(wanted) {
  if (!spans.length) return [note('The chart needs the ends of calls: function_call and function_return under events in [session].')];
  const all = lanesOf(), end = Math.max(D.span, 1), view = { from: 0, to: end };
  let lanes = all, chosen = null, hover = null, gone = false;
  const canvas = el('canvas', { tabindex: 0, 'aria-label': 'calls over time; the table of functions has the same in figures' });
  const spacer = el('div'), box = el('div', { class: 'chart' }, el('div', { class: 'sticky' }, canvas), spacer);
  const about = el('p', { class: 'about', 'aria-live': 'polite' }), where = el('span', { class: 'where' });
  const stop = s => s.length < 0 ? end : s.start + s.length;
  const x = t => (t - view.from) / (view.to - view.from) * canvas.clientWidth;
  const back = px => view.from + px / canvas.clientWidth * (view.to - view.from);

  function filter() {
    lanes = all.filter(l => !state.query || matches(l.label) || l.spans.some(s => matches(functionName(s.fn))));
    let y = 24;
    for (const l of lanes) { l.y = y; y += LANE + l.rows * ROW + 8; }
    spacer.style.height = Math.max(0, y - box.clientHeight) + 'px';
  }
  function set(from, to) {
    const least = 100, width = Math.min(end, Math.max(least, to - from));
    view.from = Math.max(0, Math.min(end - width, from));
    view.to = view.from + width;
    paint();
  }
  const zoom = (factor, at) => set(at - (at - view.from) * factor, at + (view.to - at) * factor);

  function axis(g, ink, faint) {
    const width = view.to - view.from, raw = width / Math.max(2, canvas.clientWidth / 130), ten = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map(n => n * ten).find(n => n >= raw);
    for (let t = Math.ceil(view.from / step) * step; t <= view.to; t += step) {
      g.fillStyle = faint;
      g.fillRect(Math.round(x(t)), 0, 1, canvas.clientHeight);
      g.fillStyle = ink;
      g.fillText(width > 5e9 ? (t / 1e9).toFixed(0) + ' s' : (t / 1e9).toFixed(Math.max(0, Math.min(9, 9 - Math.floor(Math.log10(step))))) + ' s', x(t) + 3, 13);
    }
  }
  function paintLane(g, l, y, css) {
    const w = canvas.clientWidth, last = [];
    for (const s of l.spans) {
      const from = x(s.start), to = x(stop(s)), row = Math.min(s.depth, ROWS - 1);
      if (to < 0 || from > w || (last[row] || -1) > to && to - from < 1) continue;  // within a pixel that is painted
      const left = Math.max(from, -1), wide = Math.max(1, Math.min(to, w + 1) - left), text = functionName(s.fn), top = y + LANE + row * ROW;
      last[row] = left + wide;
      g.globalAlpha = state.query && !matches(text) && !matches(l.label) ? 0.25 : s.length < 0 ? 0.55 : 1;
      g.fillStyle = colour(text, wide < 4);
      g.fillRect(left, top, wide > 2 ? wide - 0.5 : wide, ROW - 1);
      if (s === chosen || s === hover) { g.strokeStyle = css('--accent'); g.lineWidth = 2; g.strokeRect(left + 1, top + 1, wide - 2, ROW - 3); }
      if (wide > 30) {
        g.fillStyle = css('--ink');
        g.save();
        g.beginPath();
        g.rect(left, top, wide - 3, ROW);
        g.clip();
        g.fillText(text, Math.max(left, 0) + 3, top + 12);
        g.restore();
      }
      g.globalAlpha = 1;
    }
  }
  function paint() {
    if (gone || !canvas.isConnected) return;
    const ratio = devicePixelRatio || 1, style = getComputedStyle(document.documentElement), css = v => style.getPropertyValue(v).trim();
    const w = box.clientWidth, h = box.clientHeight;
    canvas.width = w * ratio;
    canvas.height = h * ratio;
    canvas.style.width = w + 'px';
    canvas.style.height = h + 'px';
    const g = canvas.getContext('2d'), scroll = box.scrollTop;
    g.scale(ratio, ratio);
    g.font = '11px system-ui, sans-serif';
    g.clearRect(0, 0, w, h);
    for (const [, start, length] of D.gaps) {
      g.fillStyle = css('--gap');
      g.fillRect(x(start), 0, Math.max(1, x(start + length) - x(start)), h);
    }
    for (const [, at] of D.marks) {
      g.fillStyle = css('--ink');
      if (at >= view.from && at <= view.to) g.fillRect(Math.min(w - 2, Math.round(x(at))), 0, 2, h); // the last moment too
    }
    axis(g, css('--soft'), css('--line'));
    for (const l of lanes) {
      const y = l.y - scroll;
      if (y > h || y + LANE + l.rows * ROW < 18) continue;
      g.save();
      g.beginPath();
      g.rect(0, 18, w, h);
      g.clip();
      g.font = '600 11px system-ui, sans-serif';
      g.fillStyle = css('--ink');
      g.fillText(l.label, 6, y + 13);
      g.font = '11px system-ui, sans-serif';
      paintLane(g, l, y, css);
      g.fillStyle = css('--line');
      g.fillRect(0, y + LANE + l.rows * ROW + 4, w, 1);
      g.restore();
    }
    where.textContent = moment(Math.round(view.from)) + ' to ' + moment(Math.round(view.to)) + ', ' + plural(lanes.reduce((n, l) => n + l.processes.length, 0), 'process', 'processes');
  }
  function find(e) {
    const r = canvas.getBoundingClientRect(), px = e.clientX - r.left, py = e.clientY - r.top + box.scrollTop;
    const lane = lanes.find(l => py >= l.y + LANE && py < l.y + LANE + l.rows * ROW);
    if (!lane) return null;
    const row = Math.floor((py - lane.y - LANE) / ROW), t = back(px), slack = (view.to - view.from) / canvas.clientWidth;
    return lane.spans.filter(s => Math.min(s.depth, ROWS - 1) === row && s.start - slack <= t && stop(s) + slack >= t).pop() || null;
  }
  function say(s) {
    clear(about);
    if (!s) return;
    about.append(el('strong', { text: functionName(s.fn) }), ` in ${processName(s.process)}, began at ${moment(s.start)}, ` +
      (s.length < 0 ? 'had not ended when tracing did' : 'took ' + time(s.length)) + ' ', link('its function', () => go('functions', { find: functions[s.fn].name })));
  }
  function choose(s) {
    chosen = s;
    say(s);
    paint();
  }
  function show1(s) { // as wide as it goes, and its lane in sight
    const lane = lanes.find(l => l.processes.includes(s.process)), length = Math.max(200, stop(s) - s.start);
    if (lane) box.scrollTop = Math.max(0, lane.y - 40);
    set(s.start - length * 0.2, s.start + length * 1.2);
    choose(s);
  }
  function keys(e) {
    const width = view.to - view.from, middle = (view.from + view.to) / 2;
    const act = { ArrowLeft: () => set(view.from - width / 5, view.to - width / 5), ArrowRight: () => set(view.from + width / 5, view.to + width / 5),
      ArrowUp: () => { box.scrollTop -= 60; }, ArrowDown: () => { box.scrollTop += 60; }, '+': () => zoom(0.6, middle), '=': () => zoom(0.6, middle),
      '-': () => zoom(1 / 0.6, middle), '0': () => set(0, end) }[e.key];
    if (act && !e.ctrlKey && !e.metaKey) { e.preventDefault(); e.stopPropagation(); act(); }
  }
  // One finger or the mouse moves, two fingers zoom.
  const fingers = new Map();
  let moved = false;
  canvas.addEventListener('pointerdown', e => { fingers.set(e.pointerId, e.clientX); moved = false; canvas.setPointerCapture(e.pointerId); });
  canvas.addEventListener('pointermove', e => {
    const old = fingers.get(e.pointerId);
    if (old === undefined) {
      const s = find(e);
      if (s !== hover) { hover = s; say(s || chosen); paint(); }
      return;
    }
    const others = [...fingers].filter(([id]) => id !== e.pointerId).map(([, at]) => at);
    if (others.length) zoom(Math.max(0.5, Math.min(2, Math.max(8, Math.abs(old - others[0])) / Math.max(8, Math.abs(e.clientX - others[0])))), back(others[0] - canvas.getBoundingClientRect().left));
    else if (Math.abs(e.clientX - old) > 2 || moved) set(view.from - (e.clientX - old) * (view.to - view.from) / canvas.clientWidth, view.to - (e.clientX - old) * (view.to - view.from) / canvas.clientWidth);
    else return;
    moved = true;
    fingers.set(e.pointerId, e.clientX);
  });
  for (const end_of of ['pointerup', 'pointercancel']) canvas.addEventListener(end_of, e => {
    fingers.delete(e.pointerId);
    if (!moved && end_of === 'pointerup') choose(find(e));
  });
  canvas.addEventListener('dblclick', e => { const s = find(e); if (s) show1(s); });
  canvas.addEventListener('wheel', e => {
    if (e.ctrlKey || e.metaKey || e.altKey) { e.preventDefault(); zoom(e.deltaY > 0 ? 1.25 : 0.8, back(e.offsetX)); }
    else if (e.deltaX) { e.preventDefault(); const d = e.deltaX * (view.to - view.from) / canvas.clientWidth; set(view.from + d, view.to + d); }
  }, { passive: false });
  canvas.addEventListener('keydown', keys);
  box.addEventListener('scroll', paint);
  new ResizeObserver(() => { filter(); paint(); }).observe(box);
  requestAnimationFrame(() => {
    filter();
    if (wanted && wanted.span) show1(wanted.span);
    else if (wanted && wanted.at !== undefined) set(wanted.at - wanted.width, wanted.at + 2 * wanted.width);
    else paint();
  });
  return [el('div', { class: 'tools' }, el('button', { type: 'button', onclick: () => zoom(0.5, (view.from + view.to) / 2), 'aria-label': 'zoom in' }, '+'),
    el('button', { type: 'button', onclick: () => zoom(2, (view.from + view.to) / 2), 'aria-label': 'zoom out' }, '−'),
    el('button', { type: 'button', onclick: () => set(0, end) }, 'Whole time'), where), box, about,
    note('Drag to move, ctrl and the wheel or + and − to zoom, double click a call to see all of it. ',
      D.left_out.spans ? whole(D.left_out.spans) + ' calls are not in it' + (D.left_out.span_least ? ': those shorter than ' + time(D.left_out.span_least) : '') + '.' : 'Every call with a known end is in it.')];
}
