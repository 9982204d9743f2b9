// Draws every dashboard of a bundle from a live Prometheus:
//   node draw.mjs --prometheus http://127.0.0.1:9090 --dashboards bundle/grafana/dashboards --out docs/images
// [--range 20m] [--only overview] [--width 1400] [--scrape 15]
import { build } from 'esbuild';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import puppeteer from 'puppeteer-core';
import UPNG from 'upng-js';

const { values: chosen } = parseArgs({
  options: {
    prometheus: { type: 'string' },
    dashboards: { type: 'string' },
    out: { type: 'string' },
    range: { type: 'string', default: '20m' },
    only: { type: 'string' },
    width: { type: 'string', default: '1400' },
    scrape: { type: 'string', default: '15' },
    chromium: { type: 'string', default: process.env.CHROMIUM ?? '/usr/bin/chromium' },
  },
});
const here = fileURLToPath(new URL('.', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'stackctl-pictures-'));
const MOST_BYTES = 300 * 1024;
const COLOURS = 256; // a palette keeps a picture small; charts have no more

// The time zone in which today began half an hour to one and a half hours ago, so that "today so far" fills its panel.
function youngDay() {
  const now = new Date();
  const local = now.getUTCMinutes() < 30 ? 1 : 0;
  const behind = (now.getUTCHours() - local + 24) % 24;
  if (behind === 0) return 'UTC';
  return behind <= 12 ? `Etc/GMT+${behind}` : `Etc/GMT-${24 - behind}`;
}

async function bundled() {
  await build({
    entryPoints: [join(here, 'page.jsx')],
    outfile: join(work, 'page.js'),
    bundle: true,
    format: 'iife',
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
    loader: { '.svg': 'dataurl', '.woff': 'dataurl', '.woff2': 'dataurl', '.png': 'dataurl', '.ttf': 'dataurl' },
  });
  const page = join(work, 'page.html');
  writeFileSync(page, `<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="page.css"><div id="root"></div><script src="page.js"></script>`);
  return pathToFileURL(page).href;
}

async function draw(browser, address, file) {
  const dashboard = JSON.parse(readFileSync(file, 'utf8'));
  const page = await browser.newPage();
  page.on('pageerror', (error) => console.error(`${basename(file)}: ${error.message}`));
  const width = Number(chosen.width);
  await page.setViewport({ width, height: 1000 });
  await page.emulateTimezone(youngDay());
  await page.goto(address);
  const job = { dashboard, url: chosen.prometheus, range: chosen.range, scrape: Number(chosen.scrape), width };
  const height = await page.evaluate((given) => window.draw(given), job);
  await page.setViewport({ width, height });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const target = join(chosen.out, `${basename(file, '.json')}.png`);
  const shot = UPNG.decode(await page.screenshot({ clip: { x: 0, y: 0, width, height } }));
  await page.close();
  writeFileSync(target, Buffer.from(UPNG.encode(UPNG.toRGBA8(shot), shot.width, shot.height, COLOURS)));
  const { size } = statSync(target);
  console.log(`${target}: ${width}x${height}, ${Math.round(size / 1024)} KiB`);
  if (size > MOST_BYTES) throw new Error(`${target} is larger than 300 KiB`);
}

mkdirSync(chosen.out, { recursive: true });
const browser = await puppeteer.launch({
  executablePath: chosen.chromium,
  args: ['--no-sandbox', '--disable-web-security', '--allow-file-access-from-files', '--force-color-profile=srgb'],
});
try {
  const address = await bundled();
  const names = readdirSync(chosen.dashboards).filter((name) => name.endsWith('.json') && (!chosen.only || name === `${chosen.only}.json`));
  for (const name of names.sort()) await draw(browser, address, join(chosen.dashboards, name));
} finally {
  await browser.close();
  rmSync(work, { recursive: true });
}
