// The page: opens a file, runs the component on it, and shows the result.

import { complete, decode, encode, useSchemas } from './contract.mjs';
import { banner, fill, h, json } from './dom.mjs';
import { CORES, DIGEST, SCHEMAS } from './embedded.mjs';
import { read } from './files.mjs';
import { instantiate } from './glue.mjs';
import { write } from './json.mjs';
import { planView } from './plan.mjs';
import { Replay, Snapshot } from './recording.mjs';
import { planner } from './roles.mjs';
import { partsOf, run } from './run.mjs';
import { sandbox } from './sandbox.mjs';
import { planFileView, recordingView, verdict } from './view.mjs';
import * as say from './words.mjs';

useSchemas(SCHEMAS);
const view = document.querySelector('#view');
const status = document.querySelector('#status');
const chooser = document.querySelector('#file');

/** The compiled core modules, by their names. */
const modules = Promise.all(Object.entries(CORES).map(async ([name, packed]) => [name, await WebAssembly.compile(await unpacked(packed))])).then(Object.fromEntries);

/** Instantiates the component for one call, so that nothing of an earlier one remains. */
async function fresh(imports) {
  const compiled = await modules;
  return instantiate((name) => compiled[name], imports);
}

async function unpacked(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}

/** Opens a file, and shows what is in it. */
async function open(file) {
  fill(status, `Reading ${file.name}…`);
  fill(view);
  // The text appears before the work begins, which blocks the page.
  await new Promise((resolve) => setTimeout(resolve));
  try {
    const bytes = await file.arrayBuffer();
    const content = read(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    const [title, ...parts] = await show(content, bytes);
    const heading = h('h2', { tabindex: '-1' }, `${title}: ${file.name}`);
    fill(view, heading, parts);
    heading.focus();
    fill(status, `${file.name} is shown.`);
  } catch (error) {
    fill(view, banner('bad', `${file.name} cannot be shown. `, error.message));
    fill(status, `${file.name} cannot be shown.`);
  }
}

async function show({ recording, plan, cluster }, bytes) {
  if (recording) return showRecording(recording);
  if (plan) return showPlan(plan, bytes);
  return ['List of agents', ...(await fromFile(cluster))];
}

async function showRecording(recording) {
  const { call, options, endpoints, entries, made, component } = recording;
  const replay = new Replay(recording);
  const ran = await run(fresh, recording, replay);
  const deviations = replay.deviations();
  const same = component === DIGEST ? 'the same as in this page' : `not the one in this page, ${DIGEST}`;
  const { done } = ran;
  const parts = partsOf(call, ran);
  const target = parts ? undefined : call.tag === 'apply' ? call.val.target : call.val;
  const others = h('div');
  const list = async () => others.childElementCount === 0 && fill(others, await fromFile(recording));
  const about = {
    Servers: [endpoints.master, endpoints.exhibitor, endpoints.marathon].join(' '),
    'Recorded by': [made, entries[0]?.startedDateTime].filter(Boolean).join(', '),
    Component: `${component}, ${same}`,
  };
  const plan = call.tag === 'plan' ? done : undefined;
  return ['Recording',
    ...recordingView({ call: call.tag, target, options, ran, parts, about, deviations, plan, picture: sandbox(ran.steps, DIGEST) }),
    json('The result as JSON, as janitor replay --output json has it', write(parts ? { parts: parts.map((it) => partOf(call.tag, it)) } : documentOf(call.tag, ran), '  '), { id: 'document' }),
    h('details', { class: 'document', ontoggle: list }, h('summary', {}, 'Make a plan for another role, from what the recording has'), others),
  ];
}

/** Returns the fields of the command's output that the component determines. */
function documentOf(call, { done, failure }) {
  const of = (calls, type) => (calls.includes(call) && done ? encode(type, done) : null);
  return {
    reason: failure ? encode('Reason', failure.reason) : null,
    message: failure?.message ?? null,
    report: failure?.report ? encode('Report', failure.report) : of(['clean', 'apply'], 'Report'),
    plan: of(['plan'], 'CleanupPlan'),
    inventory: of(['discover'], 'Inventory'),
  };
}

/** Returns the fields of one of several targets that the component determines. */
function partOf(call, part) {
  const { inventory, ...fields } = documentOf(call.replace('-all', ''), part);
  return { target: encode('Target', part.target), ...fields };
}

/** Shows a plan file, after the component has checked that the plan does not contradict itself. */
async function showPlan(file, bytes) {
  const { plan, plans, options, endpoints } = file;
  const nothing = new Snapshot({ endpoints: encode('Endpoints', endpoints), entries: [] });
  const call = plan ? { tag: 'apply', val: plan } : { tag: 'apply-all', val: plans };
  const ran = await run(fresh, { call, options: { ...options, confirmSeconds: 0 } }, nothing);
  const failures = (partsOf(call, ran) ?? [ran]).map(({ failure }) => failure);
  const refused = failures.find((failure) => ['invalid-target', 'system-znode'].includes(failure?.reason));
  return ['Plan file',
    refused && banner('bad', 'This plan cannot be applied. ', refused.message),
    ...planFileView(file, { 'SHA-256 of the file': await sha256(bytes) }),
  ];
}

/** Lists the roles of a cluster that a file shows, with a form that makes plans. */
async function fromFile(cluster) {
  const options = optionsFor(cluster);
  const call = async (tag, val) => {
    const snapshot = new Snapshot(cluster);
    const ran = await run(fresh, { call: { tag, val }, options }, snapshot);
    return [ran, caveat([...snapshot.missing])];
  };
  const [listed, note] = await call('discover');
  if (!listed.done) return [note, verdict(listed, 'discover')];
  const make = async (target) => {
    const [planned, note] = await call('plan', target);
    const title = h('h3', {}, `Plan for ${say.target(target)}`);
    if (!planned.done) return [title, note, verdict(planned, 'plan')];
    const text = write({ plan: encode('CleanupPlan', planned.done) }, '  ');
    return [title, note, planView(planned.done, options), json('The plan as JSON', text, { id: 'planned' })];
  };
  return [note, planner(listed.done, make)];
}

/** Creates the message that a result is not from the cluster, and what its file does not contain. */
function caveat(missing) {
  const list = h('ul', {}, missing.map((request) => h('li', {}, h('code', {}, request))));
  const unknown = h('details', {}, h('summary', {}, `Not in the file, and so not known: ${say.count(missing.length, 'page')}`), list);
  return banner('care', 'From a file, not from the cluster.', 'What it does not contain is missing here. A cleanup decides by what the cluster answers then.', missing.length > 0 && unknown);
}

/** Returns the options of a plan: only the place of the znodes is that of the file. */
function optionsFor({ options }) {
  const none = decode('Options', complete('Options', { confirm_seconds: 0 }));
  const { znodeRoot, zookeeper } = options ?? none;
  return { ...none, znodeRoot, zookeeper };
}

async function sha256(bytes) {
  // A page from a server without HTTPS has no such function.
  const digest = await globalThis.crypto?.subtle?.digest('SHA-256', bytes);
  return digest && [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

// Otherwise a file that has changed since it was chosen could not be chosen again.
chooser.addEventListener('click', () => (chooser.value = ''));
chooser.addEventListener('change', () => chooser.files.length > 0 && open(chooser.files[0]));
document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length > 0) open(event.dataTransfer.files[0]);
});
