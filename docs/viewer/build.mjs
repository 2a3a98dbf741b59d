// node docs/viewer/build.mjs COMPONENTS OUT
//
// Builds the page: one file, OUT/janitor-viewer.html, which contains everything that it needs. It
// contains the component of the folder COMPONENTS (cargo run --package janitor-compose -- COMPONENTS)
// as JavaScript and core modules, and needs what tests/embedders/setup.sh installs.

import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { constants, gzipSync } from 'node:zlib';
import { transpile } from '../../host/node/transpile.mjs';
import { bundle } from './bundle.mjs';

const [components, out] = process.argv.slice(2);
if (!out) {
  console.error('usage: node docs/viewer/build.mjs COMPONENTS OUT');
  process.exit(2);
}
const here = (name) => new URL(name, import.meta.url);
const { 'janitor.js': glue, ...cores } = await transpile(join(components, 'janitor.wasm'), { suspends: false });
const cleanup = await readFile(join(components, 'janitor-cleanup.wasm'));
const given = {
  'glue.mjs': glue.replace(/^"use components";/, '').replace(/export const _util=\{\};$/, ''),
  'embedded.mjs': [
    constant('CORES', Object.fromEntries(Object.entries(cores).map(([name, bytes]) => [name, gzipped(bytes)]))),
    constant('DIGEST', `sha256:${createHash('sha256').update(cleanup).digest('hex')}`),
    constant('SCHEMAS', await schemas()),
  ].join('\n'),
};
const script = `\n${await bundle(here('src/main.mjs'), given)}\n`;
const style = `\n${await readFile(here('src/style.css'), 'utf8')}`;
// A script that cannot be parsed is an error here, not in the browser.
new Script(script);
// An end tag within the script would close it.
if (/<\/script|<!--/i.test(script)) throw new Error('the script contains markup');
const page = (await readFile(here('src/page.html'), 'utf8'))
  .replace('{policy}', () => policy(script, style))
  .replace('{style}', () => style)
  .replace('{script}', () => script);
await mkdir(out, { recursive: true });
await writeFile(join(out, 'janitor-viewer.html'), page);

/** Returns the content security policy: only this script and this style, and no connection. */
function policy(script, style) {
  const hash = (text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  return [
    "default-src 'none'",
    `script-src ${hash(script)} 'wasm-unsafe-eval'`,
    `style-src ${hash(style)}`,
    'img-src data:',
    "connect-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

/** Returns the definitions of all schemas, by their names and without their descriptions. */
async function schemas() {
  const all = {};
  for (const name of ['output', 'plan-file', 'recording']) {
    const { title, $defs, ...root } = JSON.parse(await readFile(here(`../schemas/${name}.json`), 'utf8'));
    for (const [type, schema] of Object.entries({ ...$defs, [title]: root })) {
      const text = JSON.stringify(withoutDescriptions(schema));
      if (all[type] && JSON.stringify(all[type]) !== text) throw new Error(`two schemas define ${type} differently`);
      all[type] = JSON.parse(text);
    }
  }
  return all;
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
