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

export async function cleanAll(targets, options, host) {
  const checked = targetsOf(targets);
  return (await run('cleanAll', [checked, optionsOf(options)], hostOf(host, together(checked)))).map(resultOf);
}

export async function planAll(targets, options, host) {
  const checked = targetsOf(targets);
  const asked = { ...together(checked), marathonApp: undefined };
  return (await run('planAll', [checked, optionsOf(options)], hostOf(host, asked))).map(resultOf);
}

export async function applyAll(plans, options, host) {
  const targets = targetsOf(plans, (it) => it?.target);
  return (await run('applyAll', [plans, optionsOf(options)], hostOf(host, together(targets)))).map(resultOf);
}

/** Checks the targets of a call. */
function targetsOf(list, of = (it) => it) {
  if (!Array.isArray(list)) throw new TypeError('the first argument must be an array');
  return list.map((it) => targetOf(of(it)));
}

/** Returns a target that has a znode, or an app, if one of the targets has. */
function together(targets) {
  const [znode, marathonApp] = ['znode', 'marathonApp'].map((name) => targets.find((it) => it[name] !== undefined)?.[name]);
  return { znode, marathonApp };
}

/** Returns the result for one of several targets. */
function resultOf({ tag, val }) {
  if (tag === 'ok') return val;
  const error = explained(val);
  if (error instanceof ComponentError) throw error;
  return error;
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
  if (call?.startsWith('apply') && isArgument) return new TypeError(`this is not a plan: ${error.message}`);
  return new ComponentError(`the component failed: ${error?.message ?? error}`, { cause: error });
}
