// node docs/viewer/build.mjs COMPONENTS OUT
// node docs/viewer/build.mjs --report FILE
//
// Builds the page: one file, OUT/janitor-viewer.html, which contains everything that it needs. It
// contains the component of the folder COMPONENTS (cargo run --package janitor-compose -- COMPONENTS)
// as JavaScript and core modules, and needs what tests/embedders/setup.sh installs.
//
// With --report, builds the page into which `janitor report` puts a recording or a plan. It contains no
// component, and needs only Node. The command contains the file host/cli/src/report.html.

import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { constants, gzipSync } from 'node:zlib';
import { bundle } from './bundle.mjs';

/** The types of the data in a report. */
const REPORTED = ['CleanupPlan', 'Entry', 'Error', 'Inventory', 'Options', 'PlanFile', 'Reason', 'Report', 'Target'];

const [components, out] = process.argv.slice(2);
if (!out) {
  console.error('usage: node docs/viewer/build.mjs COMPONENTS OUT, or --report FILE');
  process.exit(2);
}
const here = (name) => new URL(name, import.meta.url);
const style = `\n${await readFile(here('src/style.css'), 'utf8')}`;
if (components === '--report') {
  const given = { 'embedded.mjs': constant('SCHEMAS', await schemas(['event', 'output', 'plan-file', 'recording'], REPORTED)) };
  await writeFile(out, await page('report', withoutComments(await bundle(here('src/report.mjs'), given)), []));
} else {
  await mkdir(out, { recursive: true });
  await writeFile(join(out, 'janitor-viewer.html'), await page('page', await viewer(), ["'wasm-unsafe-eval'"]));
}

/** Returns the script of the page that opens files. */
async function viewer() {
  const { transpile } = await import('../../host/node/transpile.mjs');
  const { 'janitor.js': glue, ...cores } = await transpile(join(components, 'janitor.wasm'), { suspends: false });
  const cleanup = await readFile(join(components, 'janitor-cleanup.wasm'));
  const given = {
    'glue.mjs': glue.replace(/^"use components";/, '').replace(/export const _util=\{\};$/, ''),
    'embedded.mjs': [
      constant('CORES', Object.fromEntries(Object.entries(cores).map(([name, bytes]) => [name, gzipped(bytes)]))),
      constant('DIGEST', `sha256:${createHash('sha256').update(cleanup).digest('hex')}`),
      constant('SCHEMAS', await schemas(['output', 'plan-file', 'recording'])),
    ].join('\n'),
  };
  return bundle(here('src/main.mjs'), given);
}

/** Returns a page with this script, which may also execute `others`. */
async function page(name, code, others) {
  const script = `\n${code}\n`;
  // A script that cannot be parsed is an error here, not in the browser.
  new Script(script);
  // An end tag within the script would close it.
  if (/<\/script|<!--/i.test(script)) throw new Error('the script contains markup');
  return (await readFile(here(`src/${name}.html`), 'utf8'))
    .replace('{policy}', () => policy(script, others))
    .replace('{style}', () => style)
    .replace('{script}', () => script);
}

/** Returns the content security policy: only this script and this style, and no connection. */
function policy(script, others) {
  const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  return [
    "default-src 'none'",
    ['script-src', hash(script), ...others].join(' '),
    `style-src ${hash(style)}`,
    'img-src data:',
    "connect-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

/**
 * Returns the definitions of these schemas, by their names and without their descriptions. With
 * `wanted`, only these types and the types that they contain are returned.
 */
async function schemas(names, wanted) {
  const all = {};
  for (const name of names) {
    const { title, $defs, ...root } = JSON.parse(await readFile(here(`../schemas/${name}.json`), 'utf8'));
    for (const [type, schema] of Object.entries({ ...$defs, [title]: root })) {
      // The entries of a log and those of a recording have the same name; the first one counts.
      if (wanted && all[type]) continue;
      const text = JSON.stringify(withoutDescriptions(schema));
      if (all[type] && JSON.stringify(all[type]) !== text) throw new Error(`two schemas define ${type} differently`);
      all[type] = JSON.parse(text);
    }
  }
  return wanted ? Object.fromEntries(reached(all, wanted).map((type) => [type, all[type]])) : all;
}

/** Lists these types and the types that they contain. */
function reached(all, wanted) {
  const found = new Set(wanted);
  for (const type of found) {
    for (const [, other] of JSON.stringify(all[type]).matchAll(/"#\/\$defs\/(\w+)"/g)) found.add(other);
  }
  return [...found].sort();
}

/** Leaves out the lines of a script that are comments, to make it smaller. */
function withoutComments(script) {
  return script.split('\n').filter((line) => !/^\s*(\/\/|\/\*\*|\*)/.test(line) && line.trim() !== '').join('\n');
}

/** Leaves out descriptions. A field with that name is an object, and stays. */
function withoutDescriptions(schema) {
  if (Array.isArray(schema)) return schema.map(withoutDescriptions);
  if (typeof schema !== 'object' || schema === null) return schema;
  const kept = Object.entries(schema).filter(([name, value]) => name !== 'description' || typeof value !== 'string');
  return Object.fromEntries(kept.map(([name, value]) => [name, withoutDescriptions(value)]));
}

function gzipped(bytes) {
  return gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION }).toString('base64');
}

function constant(name, value) {
  return `export const ${name} = ${JSON.stringify(value)};`;
}
