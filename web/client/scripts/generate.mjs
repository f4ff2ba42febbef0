// Writes src/wire.generated.ts from the descriptions that the server serves: api/spec/asyncapi.json and
// api/spec/openapi.json. `--check` writes nothing and fails if the file is not what it would write.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const target = new URL('../src/wire.generated.ts', import.meta.url);
const spec = (name) => JSON.parse(readFileSync(new URL(`../../../api/spec/${name}.json`, import.meta.url), 'utf8'));

/** The TypeScript type of a JSON schema. */
function type(schema, indent = '') {
  if (schema === undefined || Object.keys(schema).length === 0) return 'unknown';
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  if ('const' in schema) return literal(schema.const);
  if (schema.enum) return schema.enum.map(literal).join(' | ');
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return choices.map((choice) => type(choice, indent)).join(' | ');
  if (schema.allOf) return schema.allOf.map((part) => type(part, indent)).join(' & ');
  if (Array.isArray(schema.type)) {
    return schema.type.map((one) => type({ ...schema, type: one }, indent)).join(' | ');
  }
  return plain(schema, indent);
}

function plain(schema, indent) {
  switch (schema.type) {
    case 'integer':
    case 'number':
      return 'number';
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'array':
      return array(type(schema.items, indent));
    case 'object':
    case undefined:
      return object(schema, indent);
    default:
      throw new Error(`no type for ${JSON.stringify(schema)}`);
  }
}

const literal = (value) => (typeof value === 'string' ? `'${value}'` : JSON.stringify(value));
const array = (item) => (/[|&]/.test(item) && !item.startsWith('{') ? `(${item})[]` : `${item}[]`);
const key = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name}'`);

function object(schema, indent) {
  if (!schema.properties) {
    const values = schema.additionalProperties;
    return `Record<string, ${values && values !== true ? type(values, indent) : 'unknown'}>`;
  }
  const required = new Set(schema.required);
  const inner = `${indent}  `;
  const lines = Object.entries(schema.properties).map(([name, property]) => {
    const comment = property.description ? `${inner}/** ${property.description} */\n` : '';
    return `${comment}${inner}${key(name)}${required.has(name) ? '' : '?'}: ${type(property, inner)};\n`;
  });
  return lines.length === 0 ? 'Record<string, never>' : `{\n${lines.join('')}${indent}}`;
}

/** The schemas of both descriptions. */
function schemas(async, open) {
  const all = { ...named(async), ...named(open) };
  return Object.keys(all).sort().map((name) => `export type ${name} = ${all[name]};\n`);
}

/** The description of REST, in which a name that means something else on the socket is RestName. */
function beside(async, open) {
  const taken = named(async);
  const clashes = Object.entries(named(open)).filter(([name, text]) => name in taken && taken[name] !== text);
  return renamed(open, Object.fromEntries(clashes.map(([name]) => [name, `Rest${name}`])));
}

const named = ({ components }) => Object.fromEntries(Object.entries(components.schemas).map(([name, schema]) => [name, type(schema)]));

/** A description in which the schemas have other names. */
function renamed(spec, names) {
  const text = JSON.stringify(spec, (key, value) => (key === '$ref' ? value.replace(/\w+$/, (name) => names[name] ?? name) : value));
  const copy = JSON.parse(text);
  const own = Object.entries(copy.components.schemas).map(([name, schema]) => [names[name] ?? name, schema]);
  copy.components.schemas = Object.fromEntries(own);
  return copy;
}

const payload = (spec, ref) => spec.components.messages[ref.$ref.split('/').at(-1)].payload;

/** What a command of that name says, and what a success is answered with. */
function commands(spec) {
  return operations(spec, 'receive').map(([name, operation]) => {
    const ack = payload(spec, operation.reply.messages[0]);
    const success = (ack.oneOf ?? [ack]).find((choice) => choice.properties?.success?.const === true);
    const data = success ? type(success.properties.data, '    ') : type(ack, '    ');
    return entry(name, operation.summary, `{ payload: ${type(payload(spec, operation.messages[0]), '    ')}; data: ${data} }`);
  });
}

function events(spec) {
  return operations(spec, 'send').map(([name, operation]) => {
    return entry(name, operation.summary, type(payload(spec, operation.messages[0]), '  '));
  });
}

function operations(spec, action) {
  return Object.entries(spec.operations).filter(([, operation]) => operation.action === action).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** "GET /path" with what it takes and gives; only what speaks JSON. */
function endpoints({ paths }) {
  const all = [];
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const answer = Object.entries(operation.responses).find(([status]) => status.startsWith('2'))?.[1];
      const json = answer?.content?.['application/json']?.schema;
      if (json) all.push(entry(`${method.toUpperCase()} ${path}`, operation.summary, endpoint(operation, json)));
    }
  }
  return all;
}

function endpoint(operation, answer) {
  const part = (place) => {
    const list = (operation.parameters ?? []).filter((parameter) => parameter.in === place);
    if (list.length === 0) return undefined;
    const properties = Object.fromEntries(list.map(({ name, schema }) => [name, schema]));
    return type({ type: 'object', properties, required: list.filter((p) => p.required).map((p) => p.name) }, '    ');
  };
  const body = operation.requestBody?.content?.['application/json']?.schema;
  const parts = { path: part('path'), query: part('query'), body: body && type(body, '    ') };
  const lines = Object.entries(parts).filter(([, text]) => text).map(([name, text]) => `    ${name}: ${text};\n`);
  return `{\n${lines.join('')}    answer: ${type(answer, '    ')};\n  }`;
}

const entry = (name, summary, text) => `${summary ? `  /** ${summary}. */\n` : ''}  '${name}': ${text};\n`;
const table = (name, comment, entries) => `/** ${comment} */\nexport interface ${name} {\n${entries.join('')}}\n`;

function generate() {
  const async = spec('asyncapi');
  const open = beside(async, spec('openapi'));
  return [
    '// Made by `npm run generate` from api/spec: change that, not this.\n',
    ...schemas(async, open),
    table('Commands', 'What a client may say on the socket, and what it is answered with.', commands(async)),
    table('Events', 'What the server tells on the socket.', events(async)),
    table('Endpoints', 'The REST interface and the diagnostics, where they answer with JSON.', endpoints(open)),
  ].join('\n');
}

const text = generate();
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error(`${fileURLToPath(target)} does not fit the server: npm run generate`);
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, text);
}
