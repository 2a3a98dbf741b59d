// The page of a report: it shows the recording or the plan that the command has put into it.

import { decode, useSchemas } from './contract.mjs';
import { banner, fill, h } from './dom.mjs';
import { SCHEMAS } from './embedded.mjs';
import { planFileView, recordingView } from './view.mjs';

useSchemas(SCHEMAS);
const view = document.querySelector('#view');

try {
  const { file, version, plan, recording } = JSON.parse(document.querySelector('#data').textContent);
  const title = `${recording ? 'Recording' : 'Plan file'}: ${file}`;
  const written = { 'Page written by': `janitor ${version}` };
  const parts = recording ? recordingView(read(recording, written)) : planFileView(decode('PlanFile', plan), written);
  fill(view, h('h2', {}, title), parts);
  document.title = title;
} catch (error) {
  fill(view, banner('bad', 'This page cannot be shown. ', error.message));
}

/** Converts the data of a recording to what the view shows. */
function read({ made, component, call, target, options, endpoints, differences, result, exchanges: recorded, steps }, written) {
  const exchanges = recorded.map(({ method, url, content, status, error, bytes, excerpt, started, time }) => ({
    method,
    url,
    content: content === null ? undefined : { text: content },
    status: status ?? undefined,
    error: error === null ? undefined : decode('Error', error),
    bytes,
    excerpt: () => excerpt,
    started: Date.parse(started),
    time,
    sent: Infinity,
    answered: Infinity,
  }));
  const all = steps.map(({ Line: line, Request: request, Answer: answer }, index) => {
    if (line) return { kind: 'line', entry: decode('Entry', line) };
    const exchange = exchanges[request ?? answer];
    exchange[request === undefined ? 'answered' : 'sent'] = index;
    return { kind: request === undefined ? 'answer' : 'request', exchange };
  });
  const typed = (type, value) => (value === null ? undefined : decode(type, value));
  const report = typed('Report', result.report);
  const plan = typed('CleanupPlan', result.plan);
  const parts = result.parts?.map((it) => partOf(it, typed));
  const done = { plan, discover: typed('Inventory', result.inventory) }[call] ?? report;
  return {
    call,
    target: typed('Target', target),
    options: decode('Options', options),
    ran: { steps: all, ...end(result, done, report) },
    parts,
    deviations: differences,
    plan,
    about: {
      Servers: [endpoints.master, endpoints.exhibitor, endpoints.marathon].join(' '),
      'Recorded by': [made, recorded[0]?.started].filter(Boolean).join(', '),
      Component: component,
      ...written,
    },
  };
}

/** Converts the result for one of several targets. */
function partOf({ target, reason, message, report: reported, plan }, typed) {
  const report = typed('Report', reported);
  return { target: typed('Target', target), ...end({ reason, message }, typed('CleanupPlan', plan) ?? report, report) };
}

/** Describes the end of a run. */
function end({ reason, message }, done, report) {
  if (reason !== null) return { failure: { reason: decode('Reason', reason), message, report } };
  return message === null ? { done } : { fault: message };
}
