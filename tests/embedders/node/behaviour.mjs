// Tests of the installed package: node --test behaviour.mjs. They run on either side of the choice
// between JSPI and a worker. The servers are in this process, on loopback.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import test, { after, before, beforeEach } from 'node:test';
import { Cluster } from './node_modules/@janitor/cleanup/cluster.mjs';
import { caseOf } from './node_modules/@janitor/cleanup/errors.mjs';
import { caseOf as guidesCase } from './errors.mjs';
import { send } from './send.mjs';
import { WINDOW, enter } from './window.mjs';
import { apply, applyAll, clean, cleanAll, CleanupFailure, discover, plan, planAll, printable } from '@janitor/cleanup';

const ROLE = 'kafka-role';

/** The requests that the server got, and its answers that differ from the usual ones. */
let requests = [];
let answers = {};
let host;

const server = createServer(async (request, response) => {
  let body = '';
  for await (const piece of request) body += piece;
  const path = request.url.replace(/\?.*/, '');
  requests.push({ method: request.method, url: request.url, headers: request.headers, body });
  const answer = answers[path] ?? ANSWERS[path];
  if (typeof answer === 'function') return answer(request, response, body);
  response.writeHead(answer === undefined ? 404 : 200, { 'Content-Type': 'application/json' });
  response.end(answer === undefined ? '' : JSON.stringify(answer));
});

const reservation = { type: 'DYNAMIC', role: ROLE, principal: 'kafka' };
const cpus = { name: 'cpus', type: 'SCALAR', scalar: { value: 1 }, role: ROLE, reservations: [reservation] };
const range = { begin: 1, end: 2 };
const ports = { name: 'ports', type: 'RANGES', ranges: { range: [range] }, role: ROLE, reservations: [reservation] };
const agent = {
  id: 'S0', hostname: 'agent', active: true, version: '1.11.0', attributes: {}, pid: 'slave(1)@127.0.0.1:5051',
  resources: {}, used_resources: {}, offered_resources: {}, unreserved_resources: {}, capabilities: [],
  reserved_resources: { [ROLE]: { cpus: 1, ports: '[1-2]' } }, reserved_resources_full: { [ROLE]: [cpus, ports] },
  unreserved_resources_full: [], used_resources_full: [], offered_resources_full: [],
};
const ANSWERS = {
  '/master/slaves': { slaves: [agent], recovered_slaves: [] },
  '/master/api/v1': (_, response, body) => {
    const { type } = JSON.parse(body);
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ type, [type.toLowerCase()]: {} }));
  },
  '/master/frameworks': { frameworks: [], completed_frameworks: [], unregistered_frameworks: [] },
};

/** Releases everything. */
const unreserved = (_, response) => {
  answers['/master/slaves'] = { slaves: [{ ...agent, reserved_resources: {}, reserved_resources_full: {} }] };
  response.writeHead(202).end();
};

/** Returns the error of a call. */
const failure = (promise) => promise.then((value) => assert.fail(JSON.stringify(value)), (error) => error);
const changes = () => requests.filter(({ method, body }) => method !== 'GET' && !body.includes('GET_'));
const options = { confirmSeconds: 0, inUse: 'force' };
const run = (settings) => clean({ role: ROLE }, options, { ...host, ...settings });

before(async () => {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  host = { endpoints: { master: `${origin}/master`, exhibitor: `${origin}/exhibitor/`, marathon: `${origin}/v2/apps/` } };
});
after(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  [requests, answers] = [[], { '/master/unreserve': unreserved }];
});

test('several targets are cleaned, and each has its own result', async () => {
  const [planned, wrong] = await planAll([{ role: ROLE }, { role: '*' }], options, host);
  assert.equal(planned.agents[0].entries[0].reservation.tag, 'removed');
  assert.ok(wrong instanceof CleanupFailure);
  assert.equal(wrong.reason, 'invalid-target');
  const [applied] = await applyAll([planned], options, host);
  assert.deepEqual(applied.confirmed, ['reservations']);
  const [report, failed] = await cleanAll([{ role: ROLE }, { role: '*' }], options, host);
  assert.equal(report.agents.length, 0);
  assert.equal(failed.reason, 'invalid-target');
  await assert.rejects(cleanAll({ role: ROLE }, options, host), TypeError);
});

test('a plan is carried out', async () => {
  const planned = await plan({ role: ROLE }, options, host);
  assert.equal(planned.agents[0].entries[0].reservation.tag, 'removed');
  assert.equal(changes().length, 0);
  // JSON has no 64-bit numbers.
  const json = JSON.stringify(planned, (_, value) => (typeof value === 'bigint' ? Number(value) : value));
  const report = await apply(JSON.parse(json), options, host);
  assert.deepEqual(report.confirmed, ['reservations']);
  assert.deepEqual(changes().map(({ url }) => url), ['/master/unreserve']);
  // Now it is already carried out.
  const again = await apply(planned, options, host);
  assert.deepEqual(again.confirmed, []);
  assert.equal(changes().length, 1);
});

test('runs do not share anything', async () => {
  const [one, other, inventory] = await Promise.all([run(), run(), discover({}, host)]);
  assert.ok(one.confirmed.length + other.confirmed.length > 0);
  assert.ok(inventory.roles.length <= 1);
});

test('arguments that are not understood are refused before anything is sent', async () => {
  class Kafka { role = ROLE; get principal() { return 'kafka'; } }
  for (const [call, words] of [
    [() => clean({ rolle: ROLE }), 'target has no field rolle'],
    [() => clean({ role: 7 }), 'target.role must be a string'],
    ...[[{ key: 1 }], [{ key: 'k', val: 'v' }], [null], { key: 'k' }, 'k'].map((labels) => [() => clean({ role: ROLE, labels }), 'target.labels must be an array of objects']),
    [() => clean({ role: ROLE, frameworkId: 1 }), 'target.frameworkId must be a string'],
    [() => clean({ role: ROLE, agents: 'S1' }), 'target.agents must be an array of strings'],
    [() => clean(), 'target must be an object'],
    [() => clean(new Kafka()), 'target must be an object without a class'],
    [() => clean(Object.create({ role: ROLE, principal: 'kafka' })), 'target must be an object without a class'],
    [() => apply({ target: new Kafka() }), 'target must be an object without a class'],
    ...[-1, 1.5, NaN, 2 ** 32, Infinity, '30'].map((confirmSeconds) => [() => clean({ role: ROLE }, { confirmSeconds }), 'an integer from 0']),
    [() => clean({ role: ROLE }, { inUse: 'ignore' }), 'options.inUse must be refuse, force or teardown'],
    [() => clean({ role: ROLE }, { teardown: 'F-1' }), 'options.teardown must be an array of strings'],
    [() => clean({ role: ROLE }, { ignoredAgents: [5] }), 'options.ignoredAgents must be an array of strings'],
    [() => clean({ role: ROLE }, { znodeRoot: 5 }), 'options.znodeRoot must be a string'],
    [() => clean({ role: ROLE }, { strict: 1 }), 'options.strict must be true or false'],
    [() => clean({ role: ROLE }, { ignoreAgents: [] }), 'options has no field ignoreAgents'],
    [() => clean({ role: ROLE }, {}, { onEvents: () => {} }), 'host has no field onEvents'],
    [() => clean({ role: ROLE }, {}, { fetch: 'get' }), 'host.fetch must be a function'],
    [() => clean({ role: ROLE }, {}, { signal: true }), 'host.signal must be an AbortSignal'],
    [() => plan({ role: ROLE }, {}, { endpoints: { mesos: '' } }), 'endpoints has no field mesos'],
    [() => plan({ role: ROLE }, {}, { endpoints: { master: 'leader.mesos' } }), 'the URL of master is not a URL'],
    [() => plan({ role: ROLE }, {}, { endpoints: { exhibitor: 'zk://a:2181/' } }), 'must begin with http:// or https://'],
    [() => plan({ role: ROLE }, {}, { endpoints: { master: 'http://u:canary@a/' } }), 'must not contain a user name'],
    [() => plan({ role: ROLE }, {}, { endpoints: { master: 'http://a/?' } }), 'must not have a query'],
    [() => discover({}, { token: 'canary canary' }), 'the token must be printable ASCII'],
    [() => apply({}), 'target must be an object'],
    [() => apply({ target: { role: ROLE } }), 'this is not a plan'],
    [() => apply({ target: { role: ROLE }, agents() {} }), 'this is not a plan'],
  ]) {
    const error = await failure(call());
    assert.ok(error instanceof TypeError && error.message.includes(words), error);
    assert.ok(!error.message.includes('canary'), error);
  }
});

test('a field may be a getter, and counts', async () => {
  for (const target of [{ role: ROLE }, Object.assign(Object.create(null), { role: ROLE })]) {
    Object.defineProperty(target, 'principal', { get: () => 'kafka' });
    assert.equal((await plan(target, options, host)).target.principal, 'kafka');
  }
});

test('a token is sent to each server', async () => {
  await clean({ role: ROLE, znode: 'kafka', marathonApp: '/janitor' }, options, { ...host, token: 'secret' }).catch(() => {});
  assert.ok(new Set(requests.map(({ url }) => url.split('/')[1])).size > 1);
  for (const { headers } of requests) assert.equal(headers.authorization, 'token=secret');
  requests = [];
  await run();
  for (const { headers } of requests) assert.equal(headers.authorization, undefined);
});

test('a token is not sent over plain HTTP if another server has HTTPS', async () => {
  const endpoints = { ...host.endpoints, exhibitor: 'https://127.0.0.1:1/' };
  const error = await failure(run({ endpoints, token: 'secret' }));
  assert.match(error.message, /would be sent over plain HTTP to master: correct the URLs/);
  assert.equal(requests.length, 0);
  // A server that is not asked may be plain.
  const asked = await failure(run({ endpoints: { master: 'https://127.0.0.1:1/', marathon: 'http://127.0.0.1:1/' }, token: 'secret' }));
  assert.ok(asked instanceof CleanupFailure, asked);
});

test('a redirect is not followed', async () => {
  answers['/master/slaves'] = (_, response) => {
    response.writeHead(307, { Location: `${host.endpoints.master}/elsewhere?token=canary` }).end();
  };
  const error = await failure(run({ token: 'secret' }));
  assert.ok(error instanceof CleanupFailure, error);
  const lines = [];
  await run({ onEvent: ({ message }) => lines.push(message) }).catch(() => {});
  assert.match(lines.join(), /redirects to http:\/\/127.0.0.1:\d+\/master\/elsewhere(?!\?)/);
  assert.ok(!requests.some(({ url }) => url.includes('elsewhere')));
});

test('parentheses are not encoded', async () => {
  await run();
  assert.ok(requests.some(({ url }) => url === '/registrar(1)/registry'));
});

test('an error of the own fetch ends the run unchanged', async () => {
  const noCase = [{ tag: 'connect' }, { tag: 'tls', val() {} }, { tag: 'too-large', val: 5 }, { tag: 'denied', val: 'it' }];
  for (const error of [new Error('out of tokens'), new TypeError('x is not a function'), 'a text', undefined, ...noCase]) {
    assert.equal(await failure(run({ fetch: () => Promise.reject(error) })), error);
    assert.equal(await failure(run({ fetch: () => { throw error; } })), error);
    const onlyReads = (url, init) => (init.method === 'GET' ? fetch(url, init) : Promise.reject(error));
    assert.equal(await failure(run({ fetch: onlyReads })), error);
  }
  assert.equal(changes().length, 0);
});

test('an error of the own fetch may be a case of the contract', async () => {
  for (const [error, words] of [
    [{ tag: 'connect', val: 'no route', retry() {} }, 'cannot connect to the Mesos master: no route'],
    [Object.assign(new Error(), { tag: 'connect', val: 'no way' }), 'cannot connect to the Mesos master: no way'],
    [{ tag: 'dns' }, 'the name of the Mesos master has no address'],
    [new DOMException('too late', 'TimeoutError'), 'did not answer in time'],
  ]) {
    const failed = await failure(run({ fetch: () => Promise.reject(error) }));
    assert.ok(failed instanceof CleanupFailure && failed.message.includes(words), failed);
    assert.equal(failed.reason, 'failed');
    assert.deepEqual(failed.report.confirmed, []);
  }
});

test('a server may have seen a request unless it was not connected', () => {
  const system = (code, syscall) => Object.assign(new Error(code), { code, syscall });
  const wrapped = (cause) => new TypeError('fetch failed', { cause });
  const several = Object.assign(new AggregateError([system('ETIMEDOUT', 'connect')]), { code: 'ETIMEDOUT' });
  for (const [error, tag] of [
    [system('ETIMEDOUT', 'connect'), 'connect'],
    [system('ETIMEDOUT', 'read'), 'timeout'],
    [system('EHOSTUNREACH', 'connect'), 'connect'],
    [system('EHOSTUNREACH', 'write'), 'reset'],
    [system('ECONNRESET', 'connect'), 'connect'],
    [system('ECONNRESET', 'read'), 'reset'],
    [system('UND_ERR_CONNECT_TIMEOUT'), 'connect'],
    [system('UND_ERR_HEADERS_TIMEOUT'), 'timeout'],
    [system('UND_ERR_SOCKET'), 'reset'],
    [system('ENOTFOUND', 'getaddrinfo'), 'dns'],
    [system('HPE_INVALID_CONSTANT'), 'protocol'],
    [system('CERT_HAS_EXPIRED'), 'tls'],
    [several, 'connect'],
    [new Error('fetch failed'), undefined],
  ]) {
    assert.equal(caseOf(error)?.tag, tag, error);
    assert.equal(caseOf(wrapped(error))?.tag, tag ?? 'internal', error);
  }
});

test('a response that is none ends the run', async () => {
  for (const [response, words] of [
    [undefined, /undefined/],
    [{ status: 200, headers: new Headers(), body: (async function* () { yield '{}'; })() }, /is not a Uint8Array/],
  ]) {
    const error = await failure(run({ fetch: async () => response }));
    assert.ok(error instanceof TypeError, error);
    assert.match(error.message, words);
  }
});

test('a call that changes nothing fails without a report', async () => {
  const fetch = () => Promise.reject({ tag: 'dns' });
  for (const call of [() => plan({ role: ROLE }, {}, { fetch }), () => discover({}, { fetch })]) {
    const failed = await failure(call());
    assert.ok(failed instanceof CleanupFailure, failed);
    assert.equal(failed.report, undefined);
  }
});

test('an error of onEvent ends the run unchanged', async () => {
  const error = new Error('the log is full');
  for (const onEvent of [() => { throw error; }, () => Promise.reject(error)]) {
    assert.equal(await failure(run({ onEvent })), error);
  }
  assert.equal(changes().length, 0);
  const late = ({ message }) => message.includes('completed') && new Promise((_, reject) => setTimeout(reject, 300, error));
  assert.equal(await failure(run({ onEvent: late })), error);
});

test('a run that is cancelled changes nothing more', async () => {
  const failed = await failure(run({ signal: AbortSignal.abort() }));
  assert.equal(failed.reason, 'stopped');
  assert.ok(requests.length > 0);
  assert.equal(changes().length, 0);
});

test('a run that waits can be cancelled', async () => {
  const controller = new AbortController();
  answers['/master/unreserve'] = (_, response) => {
    response.writeHead(202).end();
    answers['/master/slaves'] = (_, response) => {
      response.end(JSON.stringify(ANSWERS['/master/slaves']), () => setTimeout(() => controller.abort(), 100));
    };
  };
  const forever = { ...options, confirmSeconds: 4_000_000 };
  const failed = await failure(clean({ role: ROLE }, forever, { ...host, signal: controller.signal }));
  assert.equal(failed.reason, 'stopped');
  assert.equal(failed.report.agents.at(-1).outcome.val, 202);
});

test('a pause may be longer than a timer', async () => {
  const cluster = new Cluster({});
  const paused = cluster.imports().pause(2 ** 32 - 1);
  assert.equal(await Promise.race([paused, new Promise((resolve) => setTimeout(resolve, 50, 'still'))]), 'still');
  cluster.close();
  assert.equal(await paused, false);
});

test('no message controls a terminal', async () => {
  answers['/master/slaves'] = { slaves: [{ ...agent, active: false, hostname: 'a\u001b[2J\u202e' }], recovered_slaves: [] };
  answers['/master/frameworks'] = (_, response) => response.writeHead(500).end('\u001b]0;owned\u0007');
  const lines = [];
  const failed = await failure(clean({ role: ROLE }, { confirmSeconds: 0 }, { ...host, onEvent: ({ message }) => lines.push(message) }));
  assert.ok(failed instanceof CleanupFailure, failed);
  for (const line of [...lines, failed.message]) assert.doesNotMatch(line, /[\p{Cc}\u202e]/u);
  assert.match(lines.join(), /\\u\{1b\}/);
  assert.equal(printable('a\u001b[2J\nc\u009b\u202e\u00adü 数据'), 'a\\u{1b}[2J\\u{a}c\\u{9b}\\u{202e}\\u{ad}ü 数据');
});

test('a body that breaks off is an error', async () => {
  answers['/master/slaves'] = (_, response) => {
    response.writeHead(200, { 'Content-Length': 1000 }).write('{"slaves":[');
    setTimeout(() => response.destroy(), 50);
  };
  const failed = await failure(run());
  assert.match(failed.message, /the connection to the Mesos master broke/);
  assert.equal(changes().length, 0);
});

test('an answer that is not final, or has a coding that was not requested, is not valid HTTP', async () => {
  for (const [answer, words] of [
    [(_, response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(), /a content coding that was not requested/],
    [(_, response) => response.writeProcessing(), /an informational status/],
    [(request) => request.socket.end('SSH-2.0'), /HPE_/],
  ]) {
    answers['/master/slaves'] = answer;
    assert.match((await failure(run())).message, words);
  }
  assert.equal(changes().length, 0);
});

test('nothing is sent twice', async () => {
  for (const answer of [
    // `fetch` would send the request again.
    (_, response) => response.writeHead(421).end(),
    (_, response) => response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="mesos"' }).end(),
  ]) {
    requests = [];
    answers['/master/unreserve'] = answer;
    const failed = await failure(run());
    assert.ok(failed instanceof CleanupFailure, failed);
    assert.deepEqual(changes().map(({ url }) => url), ['/master/unreserve']);
  }
});

test('the hosts of the guide send nothing twice, show no message of a library, and limit the window', async () => {
  answers['/421'] = (_, response) => response.writeHead(421).end();
  const origin = new URL(host.endpoints.master).origin;
  const content = { mediaType: 'text/plain', bytes: Buffer.from('x') };
  assert.equal((await send(`${origin}/421`, { method: 'post', content })).statusCode, 421);
  assert.equal(requests.length, 1);
  const error = await failure(send('http://127.0.0.1:1/', { method: 'get' }));
  assert.deepEqual(guidesCase(error), { tag: 'connect', val: 'ECONNREFUSED' });
  assert.equal(guidesCase(new Error('canary 10.0.0.1')).val, 'the request failed');
  for (let count = 0; count < WINDOW; count += 1) enter();
  assert.throws(enter, /more than 32 requests at once/);
});

test('a long body is read while it arrives', async () => {
  let pulled = 0;
  let isCancelled = false;
  const body = new ReadableStream({
    pull(controller) {
      pulled += 1;
      controller.enqueue(new TextEncoder().encode(pulled === 1 ? '{"slaves":[' : `${' '.repeat(65_536)}x`));
    },
    cancel: () => { isCancelled = true; },
  });
  const endless = async (url, init) => (url.endsWith('/slaves') ? new Response(body) : fetch(url, init));
  const failed = await failure(run({ fetch: endless }));
  assert.ok(failed instanceof CleanupFailure, failed);
  assert.ok(pulled < 20, `${pulled} pieces were read`);
  assert.ok(isCancelled);
});

/** Sends a request over the functions of the import `cluster`, and returns the response. */
async function exchange(send) {
  const cluster = new Cluster({ bases: { master: 'http://127.0.0.1/' }, send });
  const { send: start, Exchange } = cluster.imports();
  try {
    return await Exchange.finish(start({ endpoint: 'master', method: 'get', path: ['slaves'], query: [] }));
  } finally {
    setImmediate(() => cluster.close());
  }
}

test('a body that is too long is an error', async () => {
  const piece = new Uint8Array(1 << 28);
  const body = Array(5).fill(piece);
  const response = await exchange(async () => ({ status: 200, headers: new Headers(), body: { [Symbol.asyncIterator]: () => endless(body) } }));
  for (let count = 0; count < 4; count += 1) assert.equal((await response.read(piece.length)).length, piece.length);
  for (const _ of [1, 2]) assert.deepEqual(await failure(response.read(1)), { tag: 'too-large', val: 1n << 30n });
});

async function* endless(pieces) {
  yield* pieces;
  await new Promise(() => {});
}

test('every wait ends', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const never = exchange(() => new Promise(() => {}));
  context.mock.timers.tick(60_000);
  assert.deepEqual(await failure(never), { tag: 'timeout' });
  const response = await exchange(async () => ({ status: 200, headers: new Headers(), body: { [Symbol.asyncIterator]: () => endless([]) } }));
  const read = failure(response.read(1));
  context.mock.timers.tick(60_000);
  assert.deepEqual(await read, { tag: 'timeout' });
});
