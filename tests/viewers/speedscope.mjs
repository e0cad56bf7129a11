// speedscope.mjs: opens files in speedscope, the viewer of flame graphs, in a headless Chromium, and prints what it read of each, as
// speedscope itself saves it: {"frames": [name, ...], "events": [{"type": "O" or "C", "frame", "at"}, ...], "errors": [...]}
//
//   node speedscope.mjs VIEWER SPEEDSCOPE FILE... > seen.json
//
// VIEWER is what setup.sh made, SPEEDSCOPE where its package lies. With BEAMTAP_SHOTS=FOLDER a picture of each is left there.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [viewer, speedscope, ...files] = process.argv.slice(2);
const { chromium } = createRequire(path.resolve(viewer) + '/')('playwright-core');
const shots = process.env.BEAMTAP_SHOTS;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true,
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--allow-file-access-from-files'] });
const answers = [];
try {
  for (const file of files) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    const errors = [];
    page.on('pageerror', why => errors.push(why.message.slice(0, 300)));
    page.on('dialog', d => { errors.push('a dialog: ' + d.message()); d.dismiss(); });
    await page.goto(pathToFileURL(path.resolve(speedscope, 'dist/release/index.html')).href);
    await page.setInputFiles('input[type=file]', file);
    await page.waitForFunction(name => document.title.includes(name), path.basename(file));
    if (shots) await page.screenshot({ path: path.join(shots, path.basename(file) + '.png') });
    const saved = page.waitForEvent('download');
    await page.keyboard.press('Control+s');
    const seen = JSON.parse(fs.readFileSync(await (await saved).path(), 'utf8'));
    const [profile] = seen.profiles;
    answers.push({ frames: seen.shared.frames.map(f => f.name), events: profile.events, errors });
    await page.close();
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(answers));
