// Converts values between the JSON form of documents (docs/json.md) and the form in which jco
// passes them to a component and returns them. Both follow from the schemas in docs/schemas, which
// are generated from the contract's types.

import { Double } from './json.mjs';

/** The definitions of all schemas, by their names; see `useSchemas`. */
let definitions = {};

/** Sets the definitions that the conversions follow. */
export function useSchemas(schemas) {
  definitions = schemas;
}

/** Converts a JSON value of the named type to the form of jco. Anything unknown is an error. */
export function decode(name, json) {
  return decoded({ $ref: `#/$defs/${name}` }, json, '', true);
}

/** Checks that a JSON value has the named type. It may have additional fields. */
export function check(name, json) {
  decoded({ $ref: `#/$defs/${name}` }, json, '', false);
}

/** Converts a value of the named type in the form of jco to a JSON value. */
export function encode(name, value) {
  return encoded({ $ref: `#/$defs/${name}` }, value);
}

/**
 * Adds the fields that a JSON object of the named type lacks, with the value that changes nothing:
 * false, 0, an empty list, no value, or the first case.
 */
export function complete(name, json) {
  if (typeof json !== 'object' || json === null) return json;
  const fields = Object.entries(definitions[name].properties);
  const missing = fields.filter(([field]) => !(field in json)).map(([field, schema]) => [field, neutral(resolve(schema))]);
  return { ...json, ...Object.fromEntries(missing) };
}

/** Completes the target of a plan. */
export function completePlan(plan) {
  if (typeof plan !== 'object' || plan === null) return plan;
  return { ...plan, target: complete('Target', plan.target) };
}

/** Completes the target of a call, or its targets. */
export function completeCall(call) {
  if (typeof call !== 'object' || call === null) return call;
  const completed = Object.entries(call).map(([name, value]) => {
    const one = (it) => (name.startsWith('Apply') ? completePlan(it) : complete('Target', it));
    return [name, Array.isArray(value) ? value.map(one) : one(value)];
  });
  return Object.fromEntries(completed);
}

function neutral(schema) {
  if (isOptional(schema)) return null;
  if (schema.oneOf) return schema.oneOf[0].const;
  return { boolean: false, integer: 0, array: [] }[schema.type];
}

function resolve(schema) {
  return schema.$ref ? definitions[schema.$ref.slice('#/$defs/'.length)] : schema;
}

function isOptional(schema) {
  return schema.anyOf?.some(({ type }) => type === 'null') || (Array.isArray(schema.type) && schema.type.includes('null'));
}

/** Returns the schema of the value that an optional one may have. */
function present(schema) {
  if (schema.anyOf) return resolve(schema.anyOf.find(({ type }) => type !== 'null'));
  return { ...schema, type: schema.type.find((type) => type !== 'null') };
}

function decoded(reference, json, path, isStrict) {
  const schema = resolve(reference);
  const below = (inner, value, name) => decoded(inner, value, path ? `${path}.${name}` : String(name), isStrict);
  const wrong = (what) => new Error(`${path ? `\`${path}\`` : 'it'} must be ${what}`);
  if (isOptional(schema)) return json === null || json === undefined ? undefined : decoded(present(schema), json, path, isStrict);
  if (schema.oneOf) return decodedCase(schema, json, below, wrong);
  const type = Array.isArray(json) ? 'array' : json === null ? 'null' : typeof json;
  switch (schema.type) {
    case 'object': {
      if (type !== 'object') throw wrong('an object');
      const fields = schema.properties ?? {};
      const unknown = Object.keys(json).find((name) => isStrict && !Object.hasOwn(fields, name));
      if (unknown !== undefined) throw new Error(`unknown field \`${path ? `${path}.` : ''}${unknown}\``);
      return Object.fromEntries(Object.entries(fields).map(([name, field]) => {
        const isRequired = schema.required?.includes(name) && !isOptional(resolve(field));
        if (!Object.hasOwn(json, name) && isRequired) throw new Error(`missing field \`${path ? `${path}.` : ''}${name}\``);
        return [camel(name), Object.hasOwn(json, name) ? below(field, json[name], name) : undefined];
      }));
    }
    case 'array':
      if (type !== 'array' || (schema.minItems !== undefined && json.length !== schema.minItems)) throw wrong('a list');
      return json.map((item, index) => below(schema.prefixItems?.[index] ?? schema.items, item, index));
    case 'integer':
      if (!Number.isSafeInteger(json) || json < (schema.minimum ?? -Infinity)) throw wrong('an integer in its range');
      return schema.format === 'uint64' ? BigInt(json) : json;
    default:
      if (type !== schema.type) throw wrong(`a ${schema.type}`);
      return json;
  }
}

function decodedCase(schema, json, below, wrong) {
  const tag = typeof json === 'string' ? json : Object.keys(json ?? {})[0];
  const found = schema.oneOf.find((it) => (typeof json === 'string' ? it.const === tag : Object.hasOwn(it.properties ?? {}, tag)));
  if (!found || (typeof json === 'object' && Object.keys(json).length !== 1)) throw wrong('a case that this version knows');
  if (!isVariant(schema)) return kebab(tag);
  return found.const === undefined ? { tag: kebab(tag), val: below(found.properties[tag], json[tag], tag) } : { tag: kebab(tag) };
}

/** Returns whether cases of this type can have values. The others are enumerations. */
function isVariant(schema) {
  return schema.oneOf.some((it) => it.const === undefined);
}

function encoded(reference, value) {
  const schema = resolve(reference);
  if (isOptional(schema)) return value === undefined ? null : encoded(present(schema), value);
  if (schema.oneOf) {
    const tag = pascal(isVariant(schema) ? value.tag : value);
    const found = schema.oneOf.find((it) => it.properties && Object.hasOwn(it.properties, tag));
    return found ? { [tag]: encoded(found.properties[tag], value.val) } : tag;
  }
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [snake(name), encoded(schema.properties[snake(name)], inner)]));
    case 'array':
      return value.map((item, index) => encoded(schema.prefixItems?.[index] ?? schema.items, item));
    case 'number':
      return new Double(value);
    default:
      return value;
  }
}

/** Returns the name of a function in the form of jco: `clean-all` is `cleanAll`. */
export const functionName = (name) => camel(name.replaceAll('-', '_'));

const camel = (name) => name.replace(/(?<=.)_(.)/g, (_, letter) => letter.toUpperCase());
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const kebab = (name) => snake(name).slice(1).replaceAll('_', '-');
const pascal = (name) => name.replace(/(?:^|-)(.)/g, (_, letter) => letter.toUpperCase());
