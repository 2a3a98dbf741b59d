// Joins the page's modules into one script. Each module becomes a function of its own, so its names
// are its own.

import { readFile } from 'node:fs/promises';

const IMPORT = /^import (?:\* as )?(\w+|\{[^}]+\}) from '(\.\/[\w-]+\.mjs)';$/gm;
const EXPORT = /^export ((?:async )?function|class|const|let) (\w+)/gm;

/**
 * Returns a script that runs a module after everything that it imports. `given` has the sources of
 * modules that are no files.
 */
export async function bundle(entry, given) {
  const parts = new Map();
  await add(entry, parts, given);
  return [...parts.values()].join('\n');
}

async function add(url, parts, given) {
  if (parts.has(url.href)) return;
  // A module in a circle of imports would run too early. It is left out here, and so its use fails.
  parts.set(url.href, '');
  const name = url.pathname.split('/').at(-1);
  const source = given[name] ?? (await readFile(url, 'utf8'));
  const imports = [...source.matchAll(IMPORT)].map(([, , file]) => new URL(file, url));
  for (const needed of imports) await add(needed, parts, given);
  const names = [...source.matchAll(EXPORT)].map(([, , exported]) => exported);
  const body = source
    .replace(IMPORT, (_, bindings, file) => `const ${bindings} = ${variable(file)};`)
    .replace(EXPORT, '$1 $2');
  const rest = body.match(/^(?:import|export)\b.*/m);
  if (rest) throw new Error(`${name}: this form is not supported: ${rest[0].slice(0, 80)}`);
  // A module that is ready comes after everything that it needs.
  parts.delete(url.href);
  parts.set(url.href, `const ${variable(name)} = (() => {\n${body}\nreturn { ${names.join(', ')} };\n})();`);
}

function variable(file) {
  return file.replace(/^\.\//, '').replace(/\W/g, '_');
}
