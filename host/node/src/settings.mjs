// This checks the arguments of a call. A name that is misspelt could otherwise widen a target.

import { FIELDS } from './generated.mjs';

/** @typedef {import('./contract.js').Options} Options */

/** The URLs of the servers in DC/OS. */
const ENDPOINTS = {
  master: 'http://leader.mesos:5050/master/',
  exhibitor: 'http://leader.mesos:8181/',
  marathon: 'http://marathon.mesos:8080/v2/apps/',
};

/** The default options. @type {Options} */
const OPTIONS = {
  confirmSeconds: 30,
  inUse: 'refuse',
  systemZnode: false,
  teardown: [],
  strict: false,
  wholeService: false,
  ignoredAgents: [],
  zookeeper: false,
};

/** Checks a target. */
export function targetOf(target) {
  const checked = known('target', target, FIELDS.Target);
  for (const [name, value] of Object.entries(checked)) {
    if (typeof value !== 'string') throw new TypeError(`target.${name} must be a string`);
  }
  return checked;
}

/** Completes options. */
export function optionsOf(options = {}) {
  const all = { ...OPTIONS, ...known('options', options, FIELDS.Options) };
  for (const [name, usual] of Object.entries(OPTIONS)) {
    if (typeof all[name] !== typeof usual || Array.isArray(all[name]) !== Array.isArray(usual)) {
      throw new TypeError(`options.${name} must be like its default, ${JSON.stringify(usual)}`);
    }
  }
  return all;
}

/** Checks the settings of a host, and completes them for a call with this target. */
export function hostOf(host = {}, target) {
  const { endpoints, token, fetch, onEvent, signal } =
    known('host', host, ['endpoints', 'token', 'fetch', 'onEvent', 'signal']);
  for (const [name, value] of Object.entries({ fetch, onEvent })) {
    if (value !== undefined && typeof value !== 'function') throw new TypeError(`host.${name} must be a function`);
  }
  if (signal && !(signal instanceof AbortSignal)) throw new TypeError('host.signal must be an AbortSignal');
  const urls = { ...ENDPOINTS, ...known('endpoints', endpoints ?? {}, Object.keys(ENDPOINTS)) };
  const bases = Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, base(name, url)]));
  return { bases: all(bases), authorization: authorization(token, bases, target), fetch, onEvent, signal };
}

/** Returns the fields that have a value, if all of them are known. */
function known(name, value, fields) {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${name} must be an object`);
  const unknown = Object.keys(value).find((field) => !fields.includes(field));
  if (unknown !== undefined) throw new TypeError(`${name} has no field ${unknown}: use ${fields.join(', ')}`);
  return Object.fromEntries(Object.entries(value).filter(([, it]) => it !== undefined && it !== null));
}

/** Checks the base URL of an endpoint, and adds a missing slash at its end. */
function base(name, text) {
  const fault = (why) => new TypeError(`the URL of ${name} ${why}`);
  if (!URL.canParse(text)) throw fault('is not a URL');
  const url = new URL(text);
  if (!['http:', 'https:'].includes(url.protocol)) throw fault('must begin with http:// or https://');
  if (url.username || url.password) throw fault('must not contain a user name or a password');
  if (url.search || url.hash || /[?#]/.test(text)) throw fault('must not have a query or a fragment');
  return url.href.replace(/\/*$/, '/');
}

/** Adds the endpoints whose URLs follow from those of others. */
function all({ master, exhibitor, marathon }) {
  // Redirects are not followed, so the server at this URL answers both.
  const root = master.replace(/master\/$/, '');
  const pods = marathon.replace(/apps\/$/, 'pods/');
  return { master, 'master-root': root, exhibitor, marathon, 'marathon-pods': pods };
}

/** Returns the value of the header that authorizes requests, unless it could be read on its way. */
function authorization(token, bases, target) {
  if (token === undefined || token === null) return undefined;
  if (typeof token !== 'string' || !/^[!-~]+$/.test(token)) {
    throw new TypeError('the token must be printable ASCII without spaces, and not empty');
  }
  const asked = { master: true, exhibitor: target?.znode ?? !target, marathon: target?.marathonApp };
  const plain = Object.keys(bases).filter((name) => asked[name] && bases[name].startsWith('http://'));
  if (plain.length > 0 && Object.values(bases).some((url) => url.startsWith('https://'))) {
    throw new TypeError(
      `another server is reached over HTTPS, but the token would be sent over plain HTTP to ${plain.join(' and ')}: correct the URLs`,
    );
  }
  return `token=${token}`;
}
