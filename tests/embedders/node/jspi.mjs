// node jspi.mjs --component janitor.wasm -r ROLE ...: the same as clean.mjs, where WebAssembly can
// wait for a promise (JSPI): in Node 25 and later, and in Chromium. Imports are async functions.

import { transpile } from '@bytecodealliance/jco-transpile';
import { component, exhibitor, marathon, master, options, target } from './arguments.mjs';
import { caseOf } from './errors.mjs';
import { say, show, write } from './output.mjs';
import { send } from './send.mjs';
import { locator } from './url.mjs';
import { WINDOW, enter, leave } from './window.mjs';

class Exchange {
  constructor(url, request) {
    enter();
    this.answer = send(url, request);
    this.answer.catch(() => {});
  }
  static finish = async ({ answer }) => new Response(await answer.catch((error) => {
    leave();
    rethrow(error);
  }));
}

class Response {
  rest = new Uint8Array();
  constructor(answer) {
    this.status = () => answer.statusCode;
    this.close = () => answer.destroy();
    this.pieces = answer[Symbol.asyncIterator]();
  }
  async read(limit) {
    if (limit === 0) throw new Error('the component reads nothing');
    while (this.rest.length === 0) {
      const { done, value } = await this.pieces.next().catch(rethrow);
      if (done) break;
      this.rest = value;
    }
    const piece = this.rest.subarray(0, limit);
    this.rest = this.rest.subarray(limit);
    return piece;
  }
  [Symbol.dispose]() {
    leave();
    this.close();
  }
}

function rethrow(error) {
  throw caseOf(error);
}

const [began, locate] = [performance.now(), locator(master, exhibitor, marathon)];
const cluster = {
  Exchange,
  Response,
  send: (request) => new Exchange(locate(request), request),
  window: () => WINDOW,
  pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds, true)),
  elapsed: () => BigInt(Math.floor(performance.now() - began)),
};
const { files } = await transpile(component, {
  name: 'it', instantiation: 'async', multiMemory: true, asyncMode: 'jspi', emitTypescriptDeclarations: false,
  asyncImports: ['[static]exchange.finish', '[method]response.read', 'pause'].map((it) => `janitor:cleanup/cluster#${it}`),
  asyncExports: ['janitor:cleanup/cleanup#clean'],
});
const source = Buffer.from(files['it.js']).toString('base64');
const { instantiate } = await import(`data:text/javascript;base64,${source}`);
const imports = { 'janitor:cleanup/cluster': cluster, 'janitor:cleanup/log': { write } };
const { cleanup } = await instantiate((name) => new WebAssembly.Module(files[name]), imports);
try {
  show(await cleanup.clean(target, options));
} catch (failure) {
  if (failure instanceof Error && !failure.payload) throw failure;
  const { message, report } = failure.payload ?? failure;
  say(message);
  show(report);
  process.exitCode = 5;
}
