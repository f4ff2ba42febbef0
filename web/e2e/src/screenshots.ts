import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Person } from '@parley/testing';
import { beforeAll, expect, test } from 'vitest';

import { useStage } from './stage.ts';
import { Talker } from './talker.ts';
import type { Visitor } from './visitor.ts';

// The pictures of the README, of a team that has something to say.

const folder = join(dirname(fileURLToPath(import.meta.url)), '../../../docs/screenshots');
const desktop = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };
const largest = 200 * 1024;
const last = 'Then I have no more questions'; // the end of the conversation

const stage = useStage();
let team: Team;

interface Team {
  ada: Person;
  general: string;
  admin: Person;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function picture(visitor: Visitor, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.png`);
  await visitor.page.evaluate(() => document.fonts.ready);
  await visitor.page.mouse.move(0, 0);
  await visitor.page.screenshot({ path, animations: 'disabled', caret: 'hide' });
  expect(statSync(path).size).toBeLessThan(largest);
}

beforeAll(async () => {
  const people = { ada: 'Ada Lovelace', grace: 'Grace Hopper', linus: 'Linus', margaret: 'Margaret Hamilton' };
  const [ada, grace, linus, margaret] = (await Promise.all(
    Object.entries(people).map(([name, shown]) => stage.deployment.registerAs(stage.node, name, shown)),
  )) as [Person, Person, Person, Person];
  const admin = await stage.deployment.admin(stage.node, 'operator');
  const all = [grace, linus, margaret];
  const launch = await ada.createRoom('Launch', { members: all });
  const design = await ada.createRoom('Design review', { members: all });
  const general = await ada.createRoom('General', { members: all });
  await ada.createRoom('On call', { type: 'private', members: [margaret] });
  await ada.call('POST', '/rooms', { name: 'Grace', type: 'direct', memberIds: [grace.id] });
  for (const person of [grace, linus]) await Talker.connect(stage.node, person); // they are online; the stage's end is theirs

  const kept = await margaret.say(general, 'Release candidate is up. The checklist:\n\n1. migrations, **forwards only**\n2. drain one node at a time\n3. `parley verify` on the replica');
  await ada.call('PUT', `/rooms/${general}/messages/${kept.id}/pin`);
  for (const person of [ada, grace, linus]) await react(person, general, kept.id, '🚀');
  await grace.say(general, 'I rebuilt every view from the log overnight: 4.2 million events, not one difference.');
  const question = await linus.say(general, 'What happens to a client that sleeps through the drain?');
  await ada.call('POST', `/rooms/${general}/messages`, { content: 'It names the last position that it has seen, and gets the rest.', replyTo: question.id });
  await grace.call('POST', `/rooms/${general}/messages`, { content: 'Once, and in order.', replyTo: question.id });
  await react(margaret, general, question.id, '👀');
  const mine = await ada.say(general, 'Same code path as a crash, so we test it all day:\n\n```\nmake chaos   # nodes, Postgres and Redis killed under load\n```');
  await react(linus, general, mine.id, '👍');
  await react(grace, general, mine.id, '👍');
  await margaret.say(general, 'Then I have no more questions. Shipping at 15:00 ✨');
  await grace.say(launch, 'Booth is confirmed');
  await linus.say(launch, 'Stickers arrived');
  await linus.say(design, 'New icons are in');
  team = { ada, general, admin };
});

async function react(person: Person, room: string, message: string, emoji: string): Promise<void> {
  await person.call('PUT', `/rooms/${room}/messages/${message}/reactions/${encodeURIComponent(emoji)}`);
}

test('the room as it was', async () => {
  const visitor = await stage.enter(team.ada, team.general, { viewport: desktop });
  await visitor.feed.getByText(last).waitFor();
  await visitor.button('Time travel').click();
  const then = visitor.page.getByRole('feed', { name: /^Messages as of/ });
  // Back, until the end of the conversation was still to come, and its beginning was there.
  await visitor.slider.press('Home');
  await then.getByText('4.2 million').waitFor({ state: 'detached' });
  for (let n = 0; n < 100 && !(await then.getByText('4.2 million').isVisible()); n++) {
    await visitor.slider.press('ArrowRight');
    await pause(300);
  }
  await then.getByText(last).waitFor({ state: 'detached' });
  await picture(visitor, 'time-travel');
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the chat, ${colorScheme}`, async () => {
    const visitor = await stage.enter(team.ada, team.general, { colorScheme, viewport: desktop });
    await visitor.feed.locator('pre').waitFor();
    if (colorScheme === 'dark') {
      await visitor.button('2 replies').click();
      await visitor.page.getByText('Once, and in order.').waitFor();
    }
    await picture(visitor, `chat-${colorScheme}`);
  });
}

test('the chat on a phone', async () => {
  const visitor = await stage.enter(team.ada, team.general, { viewport: phone });
  await visitor.feed.locator('pre').waitFor();
  await picture(visitor, 'chat-phone');
});


test('the page of operations', async () => {
  const room = await team.admin.createRoom('Load');
  const talkers = await Promise.all(Array.from({ length: 12 }, () => Talker.connect(stage.node, team.admin, { listens: true })));
  const visitor = await stage.enter(team.admin, undefined, { viewport: desktop });
  await visitor.page.goto('/ops');
  await visitor.page.getByRole('figure', { name: 'Queues' }).waitFor();
  for (const perSecond of [3, 8, 5, 10, 2]) { // lines with a shape
    const stops = talkers.map((talker) => talker.talk(room, perSecond));
    await pause(8_000);
    await Promise.all(stops.map((stop) => stop()));
  }
  await picture(visitor, 'operations');
  await visitor.page.goto('/ops/log');
  await visitor.page.getByRole('table', { name: 'Events' }).waitFor();
  await visitor.page.getByRole('row', { name: /MessageSent/ }).first().getByRole('button').click();
  await visitor.page.getByRole('region', { name: 'Causes' }).getByRole('list').first().waitFor();
  await picture(visitor, 'log');
});
