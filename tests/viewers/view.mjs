// view.mjs: opens traces in the real viewer, the code of chrome://tracing, in a headless Chromium, and tells what it saw.
//
//   node view.mjs DIR < jobs.json > seen.json
//
// DIR is what setup.sh made. A job is {"file", and for a picture "shot", "zoom": [from, to] in ms, "rows", "size"}. For
// each the answer holds what the viewer understood, counted from its own model and not from the file: slices by
// category, flows, counters, every warning; and whether a strict JSON parser takes the file.
import http from 'node:http';
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const dir = path.resolve(process.argv[2]);
const { chromium } = createRequire(dir + '/')('playwright-core');
const parts = path.join(dir, 'usr/share/go-1.19/src/cmd/trace/static');
const jobs = JSON.parse(fs.readFileSync(0, 'utf8'));

const page_html = `<!DOCTYPE html><html><head><script src="/webcomponents.min.js"></script>
<link rel="import" href="/trace_viewer_full.html">
<style>html,body{box-sizing:border-box;overflow:hidden;margin:0;width:100%;height:100%}
#viewer{width:100%;height:100%}</style></head><body></body></html>`;

const server = http.createServer((request, response) => {
  const send = (type, body) => { response.writeHead(200, { 'content-type': type }); response.end(body); };
  if (request.url === '/') return send('text/html', page_html);
  if (request.url === '/webcomponents.min.js') return send('text/javascript', fs.readFileSync(parts + request.url));
  if (request.url === '/trace_viewer_full.html') return send('text/html', fs.readFileSync(parts + request.url));
  const job = /^\/trace\/(\d+)$/.exec(request.url);
  if (job) return send('application/octet-stream', fs.readFileSync(jobs[job[1]].file));
  response.writeHead(404);
  response.end();
});

// In the page: reads a trace as the viewer does, and counts what came out of it.
async function look(number) {
  const seen = { warnings: [], json: true };
  const bytes = await (await fetch('/trace/' + number)).arrayBuffer();
  const head = new Uint8Array(bytes, 0, Math.min(2, bytes.byteLength));
  const packed = head[0] === 0x1f && head[1] === 0x8b;
  const text = packed ? await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text()
    : new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  try { JSON.parse(text); } catch (why) { seen.json = String(why.message).slice(0, 200); }
  const model = new tr.Model(), options = new tr.importer.ImportOptions();
  options.shiftWorldToZero = false;
  try {
    await new tr.importer.Import(model, options).importTracesWithProgressDialog([packed ? bytes : text]);
  } catch (why) {
    seen.error = String(tr.b.normalizeException(why).message || why);
    return seen;
  }
  seen.warnings = model.importWarnings.map(w => w.type + ': ' + w.message).slice(0, 20);
  const add = (object, key) => { object[key] = (object[key] || 0) + 1; };
  Object.assign(seen, { slices: {}, apart: {}, instants: {}, unfinished: {}, processes: [], depth: 0, counters: {},
    flows: {}, flows_backwards: 0, flows_on_no_slice: 0, children_outside: 0, overlaps: 0 });
  for (const process of Object.values(model.processes)) {
    const threads = Object.values(process.threads).sort((a, b) => tr.model.Thread.compare(a, b));
    seen.processes.push({ name: process.name, labels: process.labels, tracks: threads.map(t => t.name) });
    for (const e of process.instantEvents) add(seen.instants, e.category);
    for (const counter of Object.values(process.counters)) seen.counters[counter.name] = counter.timestamps.length;
    for (const thread of threads) {
      for (const s of thread.asyncSliceGroup.slices) add(seen.apart, s.category);
      for (const s of thread.sliceGroup.slices) {
        add(s.duration === 0 ? seen.instants : seen.slices, s.category); // an instant of a track is a slice without length
        if (s.didNotFinish) add(seen.unfinished, s.category);
        const parent = s.parentSlice;
        if (parent && (s.start < parent.start || s.end > parent.end + 1e-6)) seen.children_outside++;
        let depth = 1;
        for (let p = parent; p; p = p.parentSlice) depth++;
        seen.depth = Math.max(seen.depth, depth);
        let last = -1;
        for (const child of s.subSlices) {
          if (child.start < last - 1e-6) seen.overlaps++;
          last = child.end;
        }
      }
    }
  }
  for (const flow of model.flowEvents) {
    add(seen.flows, flow.category);
    if (flow.duration < 0) seen.flows_backwards++;
    if (!flow.startSlice || !flow.endSlice) seen.flows_on_no_slice++;
  }
  window.beamtapModel = model;
  return seen;
}

// In the page: draws it, arrows and all, and zooms.
async function draw(job) {
  const wait = () => new Promise(f => setTimeout(f, 500));
  tr.ui.b.constants.HEADING_WIDTH = 300;
  const container = document.createElement('track-view-container');
  container.id = 'track_view_container';
  const viewer = document.createElement('tr-ui-timeline-view');
  viewer.track_view_container = container;
  Polymer.dom(viewer).appendChild(container);
  viewer.id = 'viewer';
  viewer.globalMode = true;
  Polymer.dom(document.body).appendChild(viewer);
  viewer.model = window.beamtapModel;
  viewer.viewTitle = 'trace.json';
  await wait();
  const view = viewer.trackView.viewport;
  view.selectedFlowEvents = new Set(window.beamtapModel.flowEvents.map(f => f.category)); // off until somebody ticks them
  const hide = name => {
    for (const root of [viewer.root, viewer.trackView.root]) {
      const found = document.querySelector(name) || Polymer.dom(root).querySelector(name);
      if (found) found.style.display = 'none';
    }
  };
  hide('#polyfill-warning');
  hide('tr-ui-b-mouse-mode-selector');
  if (!job.select) { hide('tr-ui-a-analysis-view'); hide('tr-ui-b-drag-handle'); }
  await wait();
  if (job.zoom) {
    const to = view.currentDisplayTransform.clone();
    to.xSetWorldBounds(job.zoom[0], job.zoom[1], (job.size ? job.size[0] : 1600) - 320);
    view.setDisplayTransformImmediately(to);
  }
  if (job.select) {
    const wanted = [];
    for (const process of Object.values(window.beamtapModel.processes))
      for (const thread of Object.values(process.threads))
        for (const s of thread.sliceGroup.slices)
          if (s.title === job.select && s.start >= job.zoom[0] && s.end <= job.zoom[1]) wanted.push(s);
    if (wanted.length) viewer.brushingStateController.changeSelectionFromRequestSelectionEvent(new tr.model.EventSet([wanted[0]]));
  }
  await wait();
}

await new Promise(f => server.listen(0, '127.0.0.1', f));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true,
  args: ['--no-sandbox', '--disable-dev-shm-usage'] });
const answers = [];
try {
  for (const [number, job] of jobs.entries()) {
    const [width, height] = job.size || [1600, 900];
    const page = await browser.newPage({ viewport: { width, height } });
    const errors = [];
    page.on('pageerror', why => errors.push(why.message.slice(0, 300)));
    await page.goto(`http://127.0.0.1:${server.address().port}/`, { waitUntil: 'load' });
    await page.waitForFunction(() => typeof tr === 'object' && typeof tr.Model === 'function' && tr.importer &&
      tr.importer.Import && tr.ui && tr.ui.b && tr.ui.b.Overlay, null, { timeout: 60000 });
    const answer = await page.evaluate(look, number);
    if (job.shot && !answer.error) {
      await page.evaluate(draw, job);
      await page.screenshot({ path: job.shot });
    }
    answers.push({ ...answer, page_errors: errors });
    await page.close();
  }
} finally {
  await browser.close();
  server.close();
}
console.log(JSON.stringify(answers));
