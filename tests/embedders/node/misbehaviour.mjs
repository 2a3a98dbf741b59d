// Tests of the package around a component that breaks the contract: node --test misbehaviour.mjs,
// with the module of such a package in MISBEHAVING. The role of the target names the breach.

import assert from 'node:assert/strict';
import test from 'node:test';

const { clean, ComponentError } = await import(process.env.MISBEHAVING);

/** The number of requests. */
let sent = 0;
const fetch = async () => {
  sent += 1;
  return new Response('{}');
};

for (const [role, words] of [
  ['panics', /the component failed: .*unreachable/],
  ['digs too deep', /the component failed/],
  ['sends and forgets', /the component sent more than 32 requests at once/],
  ['asks for what is not its business', /^The component was stopped: request not allowed: GET master\/quota/],
  ['reads nothing', /^The component was stopped: .*it read 0 bytes of a response/],
  ['hoards answers', /the component sent more than 32 requests at once/],
]) {
  test(`a component that ${role}`, async () => {
    sent = 0;
    const lines = [];
    const onEvent = ({ level, message }) => level === 'critical' && lines.push(message);
    const error = await clean({ role }, {}, { fetch, onEvent }).then((report) => assert.fail(JSON.stringify(report)), (error) => error);
    assert.ok(error instanceof ComponentError, error);
    assert.match(error.message, words);
    assert.ok(sent <= 32);
    if (role === 'panics') assert.match(lines.join(), /the component's last words/);
  });
}

// Under JSPI, the component computes in this thread, so nothing can end it.
const endless = typeof WebAssembly.Suspending === 'function' ? ['pauses'] : ['pauses', 'loops'];
for (const role of endless) {
  test(`a component that ${role} is ended some time after the signal`, async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    let error;
    clean({ role }, {}, { fetch, signal: AbortSignal.abort() }).catch((it) => { error = it; });
    while (!error) {
      await new Promise(setImmediate);
      context.mock.timers.tick(100);
    }
    assert.ok(error instanceof ComponentError, error);
    assert.match(error.message, /the run did not end after it was cancelled/);
  });
}

test('a component that steers the terminal', async () => {
  const lines = [];
  await clean({ role: 'steers the terminal' }, {}, { fetch, onEvent: ({ message }) => lines.push(message) }).catch(() => {});
  assert.match(lines.join(), /\\u\{1b\}\[2J .*and more/);
  assert.doesNotMatch(lines.join(), /[\p{Cc}\u202e]/u);
});
