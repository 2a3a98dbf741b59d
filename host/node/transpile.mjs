// This turns the component into JavaScript. The package contains its output in both forms.

import { readFile } from 'node:fs/promises';
import { transpileBytes } from '@bytecodealliance/jco-transpile';
import { $init, generateTypes } from '@bytecodealliance/jco-transpile/component';

/** The imports that wait, and the exports that call them: under JSPI, these are promises. */
const WAITING = {
  asyncMode: 'jspi',
  asyncImports: ['[static]exchange.finish', '[method]response.read', 'pause'].map((name) => `janitor:cleanup/cluster#${name}`),
  asyncExports: ['clean', 'plan', 'apply', 'discover', 'clean-all', 'plan-all', 'apply-all'].map((name) => `janitor:cleanup/cleanup#${name}`),
};

/**
 * Transpiles a component. The result has the module `janitor.js`, whose `instantiate` takes a
 * function that returns a core module by its name, and the imports by theirs; and these core
 * modules. In the form that suspends, the imports that wait return promises, and so does every
 * call; it needs a runtime that knows several memories. In the other form, all of them block.
 */
export async function transpile(component, { suspends }) {
  const options = { name: 'janitor', minify: true, emitTypescriptDeclarations: false };
  const form = suspends ? { instantiation: 'async', multiMemory: true, ...WAITING } : { instantiation: 'sync' };
  const { files } = await transpileBytes(await readFile(component), { ...options, ...form });
  // Without several memories, jco copies bytes between them one by one. A view for each byte would
  // take most of the time of a run.
  const code = new TextDecoder().decode(files['janitor.js']);
  files['janitor.js'] = code.replaceAll(/new DataView\((\w+\.memory)\.buffer\)/g, 'dataView($1)');
  return files;
}

/** Returns TypeScript's declarations of the contract's types, with the contract's comments. */
export async function declarations(contract) {
  await $init;
  const wit = { tag: 'binary', val: await readFile(contract) };
  const files = generateTypes('janitor', { wit, world: 'cleaner', features: { tag: 'all' }, instantiation: { tag: 'sync' } });
  const [, bytes] = files.find(([name]) => name.endsWith('janitor-cleanup-types.d.ts'));
  return new TextDecoder().decode(bytes);
}
