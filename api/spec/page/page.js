// Shows what openapi.json and asyncapi.json say. All text goes in as text, never as markup.

const $ = (id) => document.getElementById(id);

/** An element with attributes and children; strings become text. */
function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((c) => c !== null && c !== undefined));
  return made;
}

const code = (text, className = 'name') => el('code', { class: className }, text);

/** The name of a shared shape, or undefined. */
const shapeOf = (schema) => schema?.$ref?.split('/').at(-1);

/** A schema in a few words, with links to shapes. */
function typeOf(schema) {
  const shape = shapeOf(schema);
  if (shape) return [el('a', { href: `#shape-${shape}` }, shape)];
  const either = schema.oneOf ?? schema.anyOf;
  if (either) return either.flatMap((s, i) => (i ? [' or ', ...typeOf(s)] : typeOf(s)));
  if (schema.const !== undefined) return [JSON.stringify(schema.const)];
  if (schema.enum) return [schema.enum.join(' | ')];
  const type = [schema.type ?? 'anything'].flat().join(' or ');
  if (schema.items) return ['list of ', ...typeOf(schema.items)];
  if (schema.properties) return ['{ ', Object.keys(schema.properties).join(', '), ' }'];
  if (schema.additionalProperties) return ['map of ', ...typeOf(schema.additionalProperties)];
  return [schema.format ? `${type} (${schema.format})` : type];
}

/** The fields of an object schema, else its type. */
function fields(schema) {
  if (!schema?.properties) return el('p', { class: 'type' }, ...(schema ? typeOf(schema) : ['nothing']));
  const rows = Object.entries(schema.properties).map(([name, field]) => el(
    'tr', {},
    el('td', {}, code(name), schema.required?.includes(name) ? '' : el('span', { class: 'missing' }, ' ?')),
    el('td', { class: 'type' }, ...typeOf(field)),
    el('td', {}, field.description ?? ''),
  ));
  return el('table', {}, el('tbody', {}, ...rows));
}

const part = (title, ...content) => [el('h3', {}, title), ...content];

function entry(id, head, what, ...content) {
  return el('details', { id }, el('summary', {}, head, el('span', { class: 'what' }, what ?? '')), el('div', { class: 'body' }, ...content));
}

function command(name, operation, api) {
  const payload = api.components.messages[name].payload;
  const ack = api.components.messages[`${name}-ack`].payload;
  const { data } = ack.oneOf[0].properties;
  return entry(
    `command-${name}`, code(name), operation.summary,
    operation['x-spellings'] ? el('p', { class: 'note' }, `Also: ${operation['x-spellings'].join(', ')}`) : null,
    ...part('Payload', ...(payload.oneOf ?? [payload]).map(fields)),
    ...part('Ack: data', fields(data)),
    ...(operation['x-tells'] ? part('Tells', el('p', {}, ...operation['x-tells'].flatMap((e, i) => [i ? ', ' : '', el('a', { href: `#event-${e}` }, e)]))) : []),
  );
}

function event(name, operation, api) {
  return entry(`event-${name}`, code(name), operation.summary, fields(api.components.messages[name].payload));
}

function route(path, method, operation) {
  const [status, success] = Object.entries(operation.responses).find(([key]) => key !== 'default');
  const head = el('span', {}, el('span', { class: 'method' }, method.toUpperCase()), code(path));
  const parameters = operation.parameters ?? [];
  return entry(
    `${method}-${path}`, head, operation.summary,
    operation.description ? el('p', { class: 'note' }, operation.description) : null,
    operation.security ? null : el('p', { class: 'note' }, 'No token needed.'),
    ...(parameters.length ? part('Parameters', el('table', {}, el('tbody', {}, ...parameters.map((p) => el(
      'tr', {}, el('td', {}, code(p.name)), el('td', { class: 'type' }, p.in), el('td', {}, p.description ?? ''),
    ))))) : []),
    ...(operation.requestBody ? part('Body', fields(operation.requestBody.content['application/json'].schema)) : []),
    ...Object.entries(success.content ?? {}).flatMap(([media, { schema }]) => part(`${status} ${media}`, schema ? fields(schema) : '')),
  );
}

function fill(id, entries, about) {
  const section = $(id);
  section.append(...entries);
  const note = section.querySelector('.about');
  if (note) note.textContent = about ?? '';
  section.hidden = false;
}

/** Hides what does not have the text. */
function find(text) {
  const wanted = text.trim().toLowerCase();
  for (const item of document.querySelectorAll('details')) item.hidden = wanted !== '' && !item.textContent.toLowerCase().includes(wanted);
}

/** Opens what the address names. */
function open() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}

async function load(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.json();
}

try {
  const [rest, sockets] = await Promise.all([load('/openapi.json'), load('/asyncapi.json')]);
  const operations = Object.entries(sockets.operations);
  fill('commands', operations.filter(([, o]) => o.action === 'receive').map(([name, o]) => command(name, o, sockets)), sockets.info.description);
  fill('events', operations.filter(([, o]) => o.action === 'send').map(([name, o]) => event(name, o, sockets)));
  fill('rest', Object.entries(rest.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, o]) => route(path, method, o))), rest.info.description);
  const shapes = { ...sockets.components.schemas, ...rest.components.schemas };
  fill('shapes', Object.keys(shapes).sort().map((name) => entry(`shape-${name}`, code(name), shapes[name].description, fields(shapes[name]))));
  $('state').hidden = true;
  $('find').addEventListener('input', (e) => find(e.target.value));
  addEventListener('hashchange', open);
  open();
} catch (problem) {
  $('state').textContent = `The descriptions cannot be read: ${problem.message}`;
}
