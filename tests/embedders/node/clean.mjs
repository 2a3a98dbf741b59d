// npm ci && MARATHON_APP_ID=/janitor node clean.mjs --component janitor.wasm -r ROLE -p PRINCIPAL -z ZNODE -m MASTER_URL -e EXHIBITOR_URL -n MARATHON_APPS_URL
//
// Cleans up after a dead Mesos service. It writes the log to standard error, and the report to
// standard output, as one line of JSON; the exit code is 5 if the cleanup failed. The component
// checks which requests are allowed; this program checks only the window. It limits each wait for a
// server, but neither the whole run nor the size of a body, has no credentials, and cannot be
// cancelled.

import { transpile } from '@bytecodealliance/jco-transpile';
import { component, exhibitor, marathon, master, options, target } from './arguments.mjs';
import { http } from './http.mjs';
import { say, show, write } from './output.mjs';

const { cleanup } = await load(component, {
  'janitor:cleanup/cluster': http(master, exhibitor, marathon),
  'janitor:cleanup/log': { write },
});
let report;
try {
  report = cleanup.clean(target, options);
} catch (failure) {
  // A trap is a JavaScript error; a failure is a record.
  if (failure instanceof Error) throw failure;
  say(failure.message);
  report = failure.report;
  process.exitCode = 5;
}
show(report);

/** Instantiates the component in a file, which jco turns into a JavaScript module. */
async function load(file, imports) {
  const { files } = await transpile(file, { name: 'it', instantiation: 'sync', emitTypescriptDeclarations: false });
  const source = Buffer.from(files['it.js']).toString('base64');
  const { instantiate } = await import(`data:text/javascript;base64,${source}`);
  return instantiate((name) => new WebAssembly.Module(files[name]), imports);
}
