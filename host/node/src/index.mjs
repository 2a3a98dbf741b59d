import { Cluster } from './cluster.mjs';
import { CleanupFailure, ComponentError } from './errors.mjs';
import { printable } from './printable.mjs';
import { hostOf, optionsOf, targetOf } from './settings.mjs';

export { CleanupFailure, ComponentError, printable };

export async function clean(target, options, host) {
  const checked = targetOf(target);
  return run('clean', [checked, optionsOf(options)], hostOf(host, checked));
}

export async function plan(target, options, host) {
  const checked = targetOf(target);
  // A plan asks nothing of Marathon.
  return run('plan', [checked, optionsOf(options)], hostOf(host, { ...checked, marathonApp: undefined }));
}

export async function apply(plan, options, host) {
  return run('apply', [plan, optionsOf(options)], hostOf(host, targetOf(plan?.target)));
}

export async function discover(options, host) {
  return run('discover', [optionsOf(options)], hostOf(host));
}

/** The beginning of a failure that the component reports because its gate denied one of its requests. */
const DENIED = 'The component was stopped: ';

const IS_NODE = Boolean(globalThis.process?.versions?.node);

/** Calls a function of the component. */
async function run(call, args, settings) {
  const runner = await chosen();
  const { send, close } = await sender(settings.fetch);
  const cluster = new Cluster({ ...settings, send });
  const ended = new AbortController();
  try {
    const { write, written } = writer(settings.onEvent, cluster);
    const imports = { cluster: cluster.imports(), log: { write } };
    const result = runner.run(call, args, imports, ended.signal).finally(written);
    return await Promise.race([result, cluster.failed]);
  } catch (error) {
    throw cluster.isFault(error) ? error : explained(error, call);
  } finally {
    ended.abort();
    cluster.close();
    close();
  }
}

/** Chooses how the component waits for a promise. */
function chosen() {
  if (typeof WebAssembly.Suspending === 'function') return import('./suspending.mjs');
  if (IS_NODE) return import('./worker.mjs');
  throw new ComponentError(
    'WebAssembly cannot wait for a promise here (JSPI is missing): use Chromium 137 or later, or Node 20 or later',
  );
}

/** Returns the function that sends requests, and one that closes its connections. */
async function sender(fetch) {
  if (!fetch && IS_NODE) return (await import('./node.mjs')).sender();
  return { send: fetch ?? globalThis.fetch, close() {} };
}

/**
 * Returns the function that passes log entries to the user, and one that waits for the user's
 * promises. An error in them is the user's.
 */
function writer(onEvent, cluster) {
  const open = new Set();
  const write = async (entry) => {
    try {
      await onEvent?.({ ...entry, message: printable(entry.message) });
    } catch (error) {
      cluster.fail(error);
    }
  };
  return {
    write(entry) {
      const promise = write(entry).then(() => open.delete(promise));
      open.add(promise);
    },
    written: () => Promise.all(open),
  };
}

/** Returns the error for a call that did not return: a failure, or a fault of the component. */
function explained(error, call) {
  const failure = error?.payload ?? error;
  if (typeof failure?.reason === 'string') {
    return failure.message.startsWith(DENIED) ? new ComponentError(failure.message) : new CleanupFailure(failure);
  }
  if (error instanceof ComponentError) return error;
  const isArgument = error instanceof TypeError || error?.name === 'DataCloneError';
  if (call === 'apply' && isArgument) return new TypeError(`this is not a plan: ${error.message}`);
  return new ComponentError(`the component failed: ${error?.message ?? error}`, { cause: error });
}
