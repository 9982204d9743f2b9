// Writes the unit ids that Grafana knows, from @grafana/data's own registry, as data for stackctl:
//   cd scripts/pictures && npm install && node units.mjs
// Run it again when the pinned @grafana/data changes. Grafana shows an id it does not know as text behind the number.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { JSDOM } from 'jsdom';

const page = new JSDOM('<!doctype html>', { url: 'http://localhost/' });
for (const name of ['window', 'document', 'navigator', 'HTMLElement', 'Element', 'Node', 'localStorage']) {
  Object.defineProperty(globalThis, name, { value: name === 'window' ? page.window : page.window[name], configurable: true });
}
page.window.matchMedia = () => ({ matches: false, addEventListener() {}, addListener() {} });

const require = createRequire(import.meta.url);
const { getValueFormats } = require('@grafana/data');
const { version } = JSON.parse(readFileSync(new URL('node_modules/@grafana/data/package.json', import.meta.url)));

const units = {};
for (const group of getValueFormats()) {
  for (const format of group.submenu) {
    units[format.value] ??= format.text;
  }
}
const sorted = Object.fromEntries(Object.entries(units).sort(([a], [b]) => (a < b ? -1 : 1)));
const target = new URL('../../stackctl/catalogue/grafana_units.json', import.meta.url);
writeFileSync(target, `${JSON.stringify({ from: `@grafana/data ${version}`, units: sorted }, null, 2)}\n`);
console.log(`${Object.keys(sorted).length} units from @grafana/data ${version}`);
