// This checks the arguments of a call. A name that is misspelt could otherwise widen a target.

import { FIELDS } from './generated.mjs';

/** The URLs of the servers in DC/OS. */
const ENDPOINTS = {
  master: 'http://leader.mesos:5050/master/',
  exhibitor: 'http://leader.mesos:8181/',
  marathon: 'http://marathon.mesos:8080/v2/apps/',
};

/** The kinds of options and of a target's fields, and the words for them. */
const isText = (it) => typeof it === 'string';
const FLAG = { words: 'true or false', has: (it) => typeof it === 'boolean' };
const TEXT = { words: 'a string', has: isText };
const TEXTS = { words: 'an array of strings', has: (it) => Array.isArray(it) && [...it].every(isText) };
const isLabel = (it) => isPlain(it) && isText(it.key) && isText(it.value ?? '') && Object.keys(it).every((name) => ['key', 'value'].includes(name));
const LABELS = { words: 'an array of objects with a key and, maybe, a value', has: (it) => Array.isArray(it) && [...it].every(isLabel) };
const SECONDS = { words: 'an integer from 0 to 4294967295', has: (it) => Number.isInteger(it) && it >= 0 && it < 2 ** 32 };
const IN_USE = { words: 'refuse, force or teardown', has: (it) => ['refuse', 'force', 'teardown'].includes(it) };

/** The fields of a target: their kinds and defaults. */
const TARGET = {
  role: [TEXT, undefined],
  principal: [TEXT, undefined],
  znode: [TEXT, undefined],
  marathonApp: [TEXT, undefined],
  labels: [LABELS, []],
  frameworkId: [TEXT, undefined],
  agents: [TEXTS, []],
};

/** The options: their kinds and defaults. */
const OPTIONS = {
  confirmSeconds: [SECONDS, 30],
  waitSeconds: [SECONDS, 0],
  inUse: [IN_USE, 'refuse'],
  systemZnode: [FLAG, false],
  teardown: [TEXTS, []],
  strict: [FLAG, false],
  wholeService: [FLAG, false],
  ignoredAgents: [TEXTS, []],
  znodeRoot: [TEXT, undefined],
  zookeeper: [FLAG, false],
};

/** Checks and completes a target. */
export function targetOf(target) {
  return completed('target', known('target', target, FIELDS.Target), TARGET);
}

/** Checks and completes options. */
export function optionsOf(options = {}) {
  return completed('options', known('options', options, FIELDS.Options), OPTIONS);
}

/** Checks the fields that are given, and adds the defaults of the others. */
function completed(name, given, fields) {
  for (const [field, value] of Object.entries(given)) {
    const [{ words, has }] = fields[field];
    if (!has(value)) throw new TypeError(`${name}.${field} must be ${words}`);
  }
  const defaults = Object.entries(fields).map(([field, [, value]]) => [field, value]);
  return { ...Object.fromEntries(defaults), ...given };
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
  if (!isPlain(value)) throw new TypeError(`${name} must be an object without a class`);
  const unknown = Object.keys(value).find((field) => !fields.includes(field));
  if (unknown !== undefined) throw new TypeError(`${name} has no field ${unknown}: use ${fields.join(', ')}`);
  const entries = fields.map((field) => [field, value[field]]);
  return Object.fromEntries(entries.filter(([, it]) => it !== undefined && it !== null));
}

/** Returns whether a value is an object that has only fields of its own. */
function isPlain(value) {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  // The prototype of an object from another realm is another object.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
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
