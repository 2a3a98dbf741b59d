// Recognises the files that this page shows.

import { complete, completePlan, decode } from './contract.mjs';
import { refuseDuplicates } from './json.mjs';
import { readRecording } from './recording.mjs';
import { DCOS } from './urls.mjs';

/** Reads a file. The result has one of `recording`, `plan` and `cluster`; an error is for people. */
export function read(text) {
  let json;
  try {
    json = JSON.parse(text);
    // The component itself reads the answer to /slaves.
    if (!Array.isArray(json?.slaves)) refuseDuplicates(text);
  } catch ({ message }) {
    throw new Error(`The file is not JSON that can be read: ${message}.`);
  }
  if (json?.log) return { recording: readRecording(json) };
  if ((json?.plan || json?.plans) && json.endpoints) return { plan: readPlan(json) };
  if (Array.isArray(json?.slaves)) return { cluster: listing(text) };
  throw new Error('The file is neither a recording, nor a plan file, nor the master’s answer to /slaves.');
}

/** Reads a plan file. */
function readPlan(json) {
  const { schema_version: version } = json;
  if (version !== 1) throw new Error(`The plan file cannot be read: its schema_version is ${version ?? 'missing'}, and this page reads 1.`);
  try {
    const file = { ...json, options: complete('Options', json.options) };
    if (json.plan) file.plan = completePlan(json.plan);
    if (json.plans) file.plans = json.plans.map(completePlan);
    return decode('PlanFile', file);
  } catch ({ message }) {
    throw new Error(`The plan file cannot be read: ${message}.`);
  }
}

/** Makes a cluster that answers only `/slaves`. */
function listing(text) {
  const request = { method: 'GET', url: `${DCOS.master}slaves` };
  return { endpoints: DCOS, entries: [{ request, response: { status: 200, content: { text } } }] };
}
