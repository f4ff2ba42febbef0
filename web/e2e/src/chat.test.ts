import { expect, test } from 'vitest';

import { agree, settle } from './settle.ts';
import { useStage } from './stage.ts';

const stage = useStage({ TYPING_TTL: '3' });

/** Two people in a room of their own, each at a page that shows it. */
async function two(name: string) {
  const [ada, ben] = await Promise.all([stage.person('ada'), stage.person('ben')]);
  const room = await ada.createRoom(name, { members: [ben] });
  const [adaPage, benPage] = await Promise.all([stage.enter(ada, room), stage.enter(ben, room)]);
  return { ada, ben, room, adaPage, benPage };
}

test('two browsers talk, see who types, react and read', async () => {
  const { ada, room, adaPage, benPage } = await two('Talk');
  await adaPage.say('Hello, Ben');
  await benPage.sees('Hello, Ben');

  await benPage.composer.pressSequentially('Hello, A');
  await adaPage.page.getByText(/^ben-\w+ is typing/).waitFor();
  await benPage.say('Hello, Ada');
  await adaPage.sees('Hello, Ada');
  await adaPage.page.getByText(/is typing/).waitFor({ state: 'hidden' });

  await adaPage.react('Hello, Ada', 'thumbs up');
  await benPage.message('Hello, Ada').getByRole('button', { name: /^👍 1/ }).click();
  await adaPage.message('Hello, Ada').getByRole('button', { name: /^👍 2/ }).waitFor();
  await adaPage.message('Hello, Ada').getByRole('button', { name: /^Seen by/ }).or(adaPage.message('Hello, Ben').getByRole('button', { name: /^Seen by/ })).first().waitFor();

  expect(await agree(ada, room, adaPage, benPage)).toEqual(['Hello, Ben', 'Hello, Ada']);
});

test('an edited message changes, a deleted one is gone, on both pages', async () => {
  const { adaPage, benPage } = await two('Second thoughts');
  await adaPage.say('a tpyo');
  await adaPage.composer.press('ArrowUp');
  const edit = adaPage.page.getByRole('textbox', { name: 'Edit message' });
  await edit.fill('a typo');
  await edit.press('Enter');
  await benPage.sees('a typo');
  await benPage.message('a typo').getByText('(edited)').waitFor();

  await adaPage.act('a typo', 'Delete');
  await adaPage.page.getByRole('dialog', { name: 'Delete this message?' }).getByRole('button', { name: 'Delete' }).click();
  await benPage.feed.getByText('Message deleted').waitFor();
  await settle('nothing is left of it', () => benPage.timeline(), []);
});

test('a message in another room counts as unread until it is seen', async () => {
  const { ada, adaPage, room } = await two('Here');
  const eve = await stage.person('eve');
  const other = await ada.createRoom('Elsewhere', { members: [eve] });
  await eve.say(other, 'Are you there?');
  await adaPage.rooms.getByRole('link', { name: /^Elsewhere, 1 unread/ }).click();
  await adaPage.sees('Are you there?');
  await adaPage.rooms.getByRole('link', { name: 'Elsewhere', exact: true }).waitFor();
  await settle('it is read by REST too', async () => (await ada.unread()).get(other) ?? 0, 0);
  expect((await ada.unread()).get(room) ?? 0).toBe(0);
});

test('the page of a removed member lets go of the room', async () => {
  const { ada, ben, room, benPage } = await two('Secret');
  await ada.say(room, 'for your eyes');
  await benPage.sees('for your eyes');
  await ada.call('DELETE', `/rooms/${room}/members/${ben.id}`);
  await benPage.feed.waitFor({ state: 'detached' });
  await benPage.composer.waitFor({ state: 'detached' });
  await benPage.rooms.getByRole('link', { name: /^Secret/ }).waitFor({ state: 'detached' });
  await benPage.page.getByText('for your eyes').waitFor({ state: 'detached' });
});

test('the time slider shows the room as it was', async () => {
  const { ada, room, adaPage } = await two('Past');
  const first = await ada.say(room, 'the first word');
  await ada.say(room, 'the last word');
  await ada.call('PATCH', `/rooms/${room}/messages/${first.id}`, { content: 'the first word, revised' });
  await adaPage.sees('the first word, revised');

  await adaPage.button('Time travel').click();
  await adaPage.slider.focus();
  await adaPage.slider.press('Home');
  const then = adaPage.page.getByRole('feed', { name: /^Messages as of/ });
  await then.waitFor();
  await then.getByText('the first word, revised').waitFor({ state: 'detached' });
  await adaPage.composer.waitFor({ state: 'detached' });

  await adaPage.button('Back to now').click();
  await adaPage.sees('the first word, revised');
  await adaPage.sees('the last word');
});

test('who comes to a long room starts at its end and can go back to its beginning', async () => {
  const { ada, room, benPage } = await two('Long');
  for (let n = 1; n <= 120; n++) await ada.say(room, `line ${n}`);
  await benPage.sees('line 120');
  await benPage.page.reload();
  await benPage.sees('line 120');
  await benPage.scrollUpTo('line 1');
});
