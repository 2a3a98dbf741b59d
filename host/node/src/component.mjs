// This finds the parts of the transpiled component.

/** The core modules that were compiled, by their files. */
const compiled = new Map();

/** Returns a core module from its file, which is compiled once. */
export function core(file) {
  if (!compiled.has(file)) compiled.set(file, compile(new URL(`component/${file}`, import.meta.url)));
  return compiled.get(file);
}

async function compile(url) {
  if (url.protocol !== 'file:') return WebAssembly.compileStreaming(globalThis.fetch(url));
  const { readFile } = await import('node:fs/promises');
  return WebAssembly.compile(await readFile(url));
}

/** Returns the imports by the names that the component has for them. */
export function named({ cluster, log }) {
  return { 'janitor:cleanup/cluster': cluster, 'janitor:cleanup/log': log };
}
