// npm ci && MARATHON_APP_ID=/janitor node clean.mjs --component janitor.wasm -r ROLE -p PRINCIPAL -z ZNODE -m MASTER_URL -e EXHIBITOR_URL -n MARATHON_APPS_URL
//
// Cleans up after a dead Mesos service. It writes the log to standard error, and the report to
// standard output, as one line of JSON; the exit code is 5 if the cleanup failed. The component
// checks which requests are allowed; this program does not.

import { parseArgs } from 'node:util';
import { transpile } from '@bytecodealliance/jco-transpile';
import { http } from './http.mjs';

const text = (short, value) => ({ type: 'string', short, default: value });
const { values: args } = parseArgs({ options: {
  component: { type: 'string', default: 'janitor.wasm' },
  role: text('r'), principal: text('p'), 'zk-path': text('z'),
  'master-url': text('m', 'http://leader.mesos:5050/master/'),
  'exhibitor-url': text('e', 'http://leader.mesos:8181/'),
  'marathon-url': text('n', 'http://marathon.mesos:8080/v2/apps/'),
  force: { type: 'boolean' },
} });
const target = {
  role: args.role,
  principal: args.principal,
  znode: args['zk-path'],
  marathonApp: process.env.MARATHON_APP_ID || undefined,
};
const options = {
  confirmSeconds: 30,
  inUse: args.force ? 'force' : 'refuse',
  systemZnode: false,
  teardown: [],
  strict: false,
  wholeService: false,
  ignoredAgents: [],
  zookeeper: false,
};

const say = (message) => console.error(printable(message));
const { cleanup } = await load(args.component, {
  'janitor:cleanup/cluster': http(args['master-url'], args['exhibitor-url'], args['marathon-url']),
  'janitor:cleanup/log': { write: ({ level, message }) => level === 'debug' || say(message) },
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
console.log(JSON.stringify(plain(report)));

/** Instantiates the component in a file, which jco turns into a JavaScript module. */
async function load(file, imports) {
  const { files } = await transpile(file, { name: 'it', instantiation: 'sync', emitTypescriptDeclarations: false });
  const source = Buffer.from(files['it.js']).toString('base64');
  const { instantiate } = await import(`data:text/javascript;base64,${source}`);
  return instantiate((name) => new WebAssembly.Module(files[name]), imports);
}

/** Converts a value of the report to the names of `janitor --output json`. */
function plain(value, field) {
  const isCase = ['phase', 'reason', 'confirmed', 'warnings'].includes(field);
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.map((item) => plain(item, field));
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string') return isCase ? pascal(value) : value;
  if (typeof value !== 'object') return value;
  if ('tag' in value) return 'val' in value ? { [pascal(value.tag)]: plain(value.val) } : pascal(value.tag);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [snake(name), plain(inner, name)]));
}

function pascal(kebab) {
  return kebab.replace(/(?:^|-)(.)/g, (_, letter) => letter.toUpperCase());
}

function snake(camel) {
  return camel.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Escapes characters that control a terminal, or change the direction of writing on it. */
function printable(message) {
  return message.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}
