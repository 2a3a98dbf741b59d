// node build.mjs COMPONENTS OUT
//
// Builds the package in the folder OUT, from the components in the folder COMPONENTS.

import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { declarations, transpile } from './transpile.mjs';

const [components, out] = process.argv.slice(2);
if (!out) {
  console.error('usage: node build.mjs COMPONENTS OUT');
  process.exit(2);
}
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
await rm(out, { recursive: true, force: true });
await mkdir(join(out, 'component'), { recursive: true });
await cp(here('src'), out, { recursive: true });
await cp(here('README.md'), join(out, 'README.md'));
await cp(here('../../LICENSE'), join(out, 'LICENSE'));
const { devDependencies, ...manifest } = JSON.parse(await readFile(here('package.json'), 'utf8'));
await writeFile(join(out, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);

// Most core modules are the same in both forms, so they are there once.
const CORES = {};
const written = new Map();
for (const [form, suspends] of [['suspending', true], ['blocking', false]]) {
  CORES[form] = {};
  for (const [name, bytes] of Object.entries(await transpile(join(components, 'janitor.wasm'), { suspends }))) {
    const isCore = name.endsWith('.wasm');
    const same = isCore && Buffer.compare(bytes, written.get(name) ?? bytes) === 0;
    const file = !isCore ? `${form}.js` : same ? name : `${form}.${name}`;
    if (isCore) CORES[form][name] = file;
    written.set(file, bytes);
    await writeFile(join(out, 'component', file), bytes);
  }
}

const types = await declarations(join(components, 'janitor-contract.wasm'));
await writeFile(join(out, 'contract.d.ts'), types);
const FIELDS = Object.fromEntries(['Target', 'Options'].map((name) => [name, fields(name)]));
await writeFile(
  join(out, 'generated.mjs'),
  `export const FIELDS = ${JSON.stringify(FIELDS)};\nexport const CORES = ${JSON.stringify(CORES)};\n`,
);

// The README names the package; its manifest is the one place for that name.
const { name } = manifest;
if (!(await readFile(here('README.md'), 'utf8')).includes(`from '${name}'`)) {
  throw new Error(`README.md does not import from '${name}', the name in package.json`);
}

/** Returns the names of a record's fields. */
function fields(name) {
  const [, body] = types.match(new RegExp(`^export interface ${name} \\{\\n(.*?)^\\}`, 'ms'));
  return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, field]) => field);
}
