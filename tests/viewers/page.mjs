// page.mjs: opens pages of the html sink in a headless Chromium, uses them, and tells what it saw.
//
//   node page.mjs DIR < jobs.json > seen.json
//
// DIR is what setup.sh made. A job is {"file", and for pictures "shots": a path that each begins with}. The answer holds the
// text of every view's tables, what the keys did, errors, what the page asked the network for, and whether anything is wider
// than the screen.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const { chromium } = createRequire(path.resolve(process.argv[2]) + '/')('playwright-core');
const jobs = JSON.parse(fs.readFileSync(0, 'utf8'));
const VIEWS = ['overview', 'functions', 'flame', 'chart', 'messages', 'servers', 'processes', 'mailboxes'];

async function settled(page) { // what was asked for is drawn
  await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0)))));
}
async function go(page, view) {
  await page.evaluate(v => { location.hash = '#' + v; }, view);
  await page.waitForFunction(v => document.getElementById('view').dataset.view === v, view);
  await settled(page);
}
// Every table of the view, whole: [{head, rows: [[cell, ...]]}]
async function tables(page) {
  for (let more; (more = await page.$('.more button'));) await more.click();
  return page.evaluate(() => [...document.querySelectorAll('#view .table table')].map(t => ({
    head: [...t.querySelectorAll('th')].map(h => h.textContent.replace(/ [▲▼]$/, '')),
    rows: [...t.querySelectorAll('tbody tr:not(.detail)')].map(r => [...r.cells].map(c => c.textContent)),
  })));
}
const text = (page, selector) => page.evaluate(s => [...document.querySelectorAll(s)].map(e => e.textContent), selector);

// By keyboard alone.
async function keys(page) {
  const seen = {};
  await page.keyboard.press('2');
  await settled(page);
  seen.view = await page.evaluate(() => document.getElementById('view').dataset.view);
  await page.evaluate(() => document.activeElement.blur());
  for (let i = 0; i < 60 && !(await page.evaluate(() => document.activeElement.matches('tr.can-open'))); i++) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  seen.opened = await page.evaluate(() => !!document.querySelector('tr.detail .histogram rect'));
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('3');
  await settled(page);
  for (let i = 0; i < 60 && !(await page.evaluate(() => document.activeElement.matches('.box'))); i++) await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowDown');
  seen.box = await page.evaluate(() => document.activeElement.textContent);
  await page.keyboard.press('Enter');
  await settled(page);
  seen.zoomed = await page.evaluate(() => [...document.querySelectorAll('.box')].filter(b => b.style.width === '100%').length);
  await page.keyboard.press('Backspace');
  await settled(page);
  seen.back = await page.evaluate(() => [...document.querySelectorAll('.box')].filter(b => b.style.width === '100%').length);
  await page.keyboard.press('4');
  await settled(page);
  await page.focus('canvas');
  const before = await text(page, '.where');
  await page.keyboard.press('+');
  await page.keyboard.press('ArrowRight');
  seen.moved = (await text(page, '.where'))[0] !== before[0];
  await page.keyboard.press('t');
  seen.theme = await page.evaluate(() => document.documentElement.dataset.theme);
  await page.keyboard.press('t');
  return seen;
}

async function find(page, word) {
  await go(page, 'overview');
  await page.keyboard.press('/');
  await page.keyboard.type(word);
  await page.keyboard.press('Enter');
  await settled(page);
  const seen = { view: await page.evaluate(() => document.getElementById('view').dataset.view), tables: await tables(page),
    tabs: await text(page, 'nav[aria-label=views] a') };
  await page.focus('#find');
  await page.keyboard.press('Escape');
  return seen;
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true,
  args: ['--no-sandbox', '--disable-dev-shm-usage'] });
const answers = [];
try {
  for (const job of jobs) {
    const answer = { errors: [], requests: [], too_wide: [], tables: {} };
    for (const [size, width, height] of [['wide', 1280, 800], ['phone', 390, 844]]) for (const mode of ['light', 'dark']) {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme: mode, hasTouch: size === 'phone' });
      page.on('pageerror', why => answer.errors.push(why.message.slice(0, 300)));
      page.on('console', m => { if (m.type() === 'error' || m.type() === 'warning') answer.errors.push(m.text().slice(0, 300)); });
      page.on('request', r => { if (!/^(file|data):/.test(r.url())) answer.requests.push(r.url()); });
      page.on('dialog', d => { answer.errors.push('a dialog: ' + d.message()); d.dismiss(); });
      await page.goto('file://' + job.file);
      for (const view of VIEWS) {
        await go(page, view);
        if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) answer.too_wide.push([size, mode, view]);
        if (job.shots) await page.screenshot({ path: `${job.shots}-${view}-${size}-${mode}.png` });
        if (size !== 'wide' || mode !== 'light') continue;
        answer.tables[view] = await tables(page);
        if (view === 'overview') {
          answer.tiles = Object.fromEntries((await page.evaluate(() => [...document.querySelectorAll('.tile')].map(t => [t.children[0].textContent, t.children[1].textContent]))));
          answer.left_out = await text(page, '#view li');
          answer.findings = await text(page, '.finding');
          answer.rate_marks = await page.evaluate(() => [...document.querySelectorAll('line.mark')].map(l => Number(l.getAttribute('x1'))));
          answer.title = await page.title();
        }
        if (view === 'flame') answer.boxes = await text(page, '.box');
        if (view === 'messages') {
          answer.bands = await page.evaluate(() => [...document.querySelectorAll('.band')].map(b => b.getAttribute('aria-label')));
          answer.sequence = await page.evaluate(() => [...document.querySelectorAll('.message')].map(m => m.getAttribute('aria-label')));
        }
        if (view === 'mailboxes') answer.mailboxes = await text(page, '.mailbox figcaption');
      }
      if (size === 'wide' && mode === 'light') {
        if (job.keys) answer.keys = await keys(page);
        if (job.find) answer.found = await find(page, job.find);
        answer.marked = await page.evaluate(() => typeof window.beamtapHostile);
        answer.scripts = await page.evaluate(() => document.scripts.length);
      }
      await page.close();
    }
    answers.push(answer);
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(answers));
