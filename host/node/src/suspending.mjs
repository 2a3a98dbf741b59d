// This runs the component where WebAssembly can wait for a promise (JSPI).

import { instantiate } from './component/suspending.js';
import { core, named } from './component.mjs';
import { CORES } from './generated.mjs';

/** Calls a function of a new instance. The imports that wait return promises. */
export async function run(call, args, imports) {
  const { cleanup } = await instantiate((name) => core(CORES.suspending[name]), named(imports));
  return await cleanup[call](...args);
}
