import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';

const root = new URL('../../../', import.meta.url);
const file = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const list = (path: string, beginning: string): string[] =>
  readdirSync(new URL(path, root)).filter((name) => name.startsWith(beginning));

/** A schema that allows nothing that it does not name: what the server tells beside it is a drift too. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isObject = 'properties' in copy && copy['type'] === 'object';
  return isObject ? { ...copy, additionalProperties: false } : copy;
}

const spec = JSON.parse(file('api/spec/asyncapi.json')) as { components: { messages: Record<string, { payload: object }> } };
const ajv = new Ajv2020({ strict: false, formats: { 'date-time': (text: string) => !Number.isNaN(Date.parse(text)) } });
ajv.addSchema({ ...(closed(spec) as object), $id: 'wire' });

function fits(message: string, payload: unknown): void {
  const check = ajv.getSchema(`wire#/components/messages/${message}/payload`);
  expect(check, `no description of ${message}`).toBeDefined();
  const ok = check!(payload);
  expect(ok ? [] : check!.errors, `${message}: ${JSON.stringify(payload)}`).toEqual([]);
}

test('the types are those of the server', () => {
  const script = new URL('web/client/scripts/generate.mjs', root).pathname;
  expect(() => execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' })).not.toThrow();
});

test.each(list('domain/wire/testdata', 'push-'))('%s fits the description', (name) => {
  const pushes = file(`domain/wire/testdata/${name}`).trim().split('\n');
  for (const push of pushes) {
    const { Event, Data } = JSON.parse(push) as { Event: string; Data: unknown };
    fits(Event, Data);
  }
});

test.each(list('realtime/testdata/frames', 'push-'))('the frame %s fits the description', (name) => {
  const [event, payload] = JSON.parse(file(`realtime/testdata/frames/${name}`).replace(/^42/, '')) as [string, unknown];
  fits(event, payload);
});

test.each([
  ['ack-create.txt', 'create-room-ack'],
  ['ack-invalid.txt', 'send-message-ack'],
  ['ack-join-rooms.txt', 'join-rooms-ack'],
  ['ack-join.txt', 'join-room-ack'],
  ['ack-message.txt', 'send-message-ack'],
  ['ack-rate-limited.txt', 'send-message-ack'],
  ['ack-unsubscribe.txt', 'unsubscribe-room-ack'],
])('the answer %s fits the description', (name, message) => {
  const [ack] = JSON.parse(file(`realtime/testdata/frames/${name}`).replace(/^43\d+/, '')) as [unknown];
  fits(message, ack);
});
