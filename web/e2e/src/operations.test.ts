import { eventually, type Person } from '@parley/testing';
import { expect, test } from 'vitest';

import { useStage } from './stage.ts';
import { Talker } from './talker.ts';
import type { Visitor } from './visitor.ts';

const stage = useStage();

/** An administrator at a part of the page of operations. */
async function operator(section = ''): Promise<{ admin: Person; visitor: Visitor }> {
  const admin = await stage.deployment.admin(stage.node);
  const visitor = await stage.visit({ path: '/', viewport: { width: 1280, height: 1200 } });
  await visitor.signIn(admin);
  await visitor.page.goto(`/ops${section}`);
  await visitor.page.getByRole('heading', { level: 1, name: 'Operations' }).waitFor();
  return { admin, visitor };
}

/** A number among those that tell how things are now. */
async function now(visitor: Visitor, label: string): Promise<number> {
  const stat = visitor.page.locator('dl[aria-label="Now"] > div').filter({ has: visitor.page.getByText(label, { exact: true }) });
  return Number((await stat.locator('dd').innerText()).replace(/[^\d.]/g, ''));
}

test('the page of operations shows the load that there is', async () => {
  const { visitor } = await operator();
  const ada = await stage.person('ada');
  const room = await ada.createRoom('Busy');
  const talkers = await Promise.all([1, 2, 3].map(() => Talker.connect(stage.node, ada)));
  const stops = talkers.map((talker) => talker.talk(room, 10));
  await eventually('the connections are counted', async () => (await now(visitor, 'Connections')) >= 3);
  await eventually('the messages are counted', async () => (await now(visitor, 'Events per second')) >= 5);
  await visitor.page.getByRole('table', { name: 'Latency by event' }).getByRole('row', { name: /^send-message/ }).waitFor();
  for (const chart of ['Connections', 'Work per second', 'Commits', 'Queues']) {
    await visitor.page.getByRole('figure', { name: chart }).locator('canvas').waitFor();
  }

  await visitor.page.getByRole('navigation', { name: 'Operations' }).getByRole('link', { name: 'Connections' }).click();
  const sockets = visitor.page.getByRole('table', { name: 'Sockets' });
  await visitor.page.getByRole('textbox', { name: 'User id' }).fill(ada.id);
  await eventually('her sockets are listed', async () => (await sockets.getByRole('row', { name: new RegExp(ada.id) }).count()) === 3);
  await Promise.all(stops.map((stop) => stop()));
  for (const talker of talkers) talker.close();
  await visitor.page.getByText('No socket is like that.').waitFor();
});

test('views are rebuilt and proved on the page', async () => {
  const ada = await stage.person('ada');
  await ada.say(await ada.createRoom('Proof'), 'to be proved');
  const { visitor } = await operator('/views');
  const rebuild = visitor.page.getByRole('button', { name: /^Rebuild / }).first();
  await rebuild.click();
  await visitor.page.getByRole('dialog').getByRole('button', { name: 'Rebuild' }).click();
  await visitor.page.getByText(/it was what the log says/).waitFor();
  await visitor.button('Verify everything').click();
  await visitor.page.getByText(/the views are what the log says/).waitFor();
});

test('the log is browsed, followed and replayed', async () => {
  const ada = await stage.person('ada');
  const room = await ada.createRoom('Record');
  const said = await ada.say(room, 'for the record');
  const { visitor } = await operator('/log');
  const events = visitor.page.getByRole('table', { name: 'Events' });
  await visitor.page.getByRole('textbox', { name: 'Stream' }).fill(`messages-${room}`);
  await visitor.button('Show').click();
  await events.getByRole('row', { name: /MessageSent/ }).getByRole('button').click();
  const event = visitor.page.getByRole('complementary', { name: /^Event \d+/ });
  await event.getByText(said.id).first().waitFor();
  await event.getByRole('region', { name: 'Causes' }).getByText(ada.id).first().waitFor();
  await event.getByRole('button', { name: 'Close event' }).click();

  await visitor.button('Follow live').click();
  await visitor.page.getByText(/^Following/).waitFor();
  await ada.call('PATCH', `/rooms/${room}/messages/${said.id}`, { content: 'for the record, corrected' });
  await events.getByRole('row', { name: /MessageEdited/ }).waitFor();
  await visitor.button('Stop').click();

  await visitor.button('Replay').click();
  await events.getByRole('row', { name: /MessageSent/ }).waitFor();
  await events.getByRole('row', { name: /MessageEdited/ }).waitFor();
});

test('who is no administrator is not let in', async () => {
  const ada = await stage.person('ada');
  const visitor = await stage.enter(ada, undefined, { path: '/' });
  await visitor.page.goto('/ops');
  await visitor.page.locator('body').getByText(/administrator|not allowed|admins|Rooms/i).first().waitFor();
  expect(await visitor.page.getByRole('heading', { level: 1, name: 'Operations' }).count()).toBe(0);
});
