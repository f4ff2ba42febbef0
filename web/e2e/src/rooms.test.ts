import { expect, test } from 'vitest';

import { settle } from './settle.ts';
import { useStage } from './stage.ts';

const stage = useStage();
const viewport = { width: 1280, height: 900 };

test('who leads a room renames it, names others who do, and archives it; others cannot', async () => {
  const [ada, ben] = await Promise.all([stage.person('ada'), stage.person('ben')]);
  const room = await ada.createRoom('Plans', { members: [ben] });
  const [adas, bens] = await Promise.all([stage.enter(ada, room, { viewport }), stage.enter(ben, room, { viewport })]);
  await Promise.all([adas.composer.waitFor(), bens.composer.waitFor()]);

  expect(await bens.button('Room settings').count()).toBe(0);
  await adas.button('Room settings').press('Enter');
  const settings = adas.page.getByRole('dialog', { name: 'Room settings' });
  await settle('the name has the focus', () => adas.focused(), 'textbox Name');
  await adas.page.keyboard.press('ControlOrMeta+a');
  await adas.page.keyboard.type('Great plans');
  await adas.page.keyboard.press('Tab');
  await adas.page.keyboard.type('for the summer');
  await adas.page.keyboard.press('Enter');
  await settings.waitFor({ state: 'detached' });
  expect(await adas.focused()).toBe('button Room settings');
  for (const { page } of [adas, bens]) {
    await page.getByRole('heading', { level: 2, name: 'Great plans' }).waitFor();
    await page.getByText('for the summer').waitFor();
  }

  await adas.button('Members').click();
  await bens.button('Members').click();
  await bens.button('Leave room').waitFor();
  expect(await bens.button('Invite').count()).toBe(0);
  const role = adas.page.getByRole('combobox', { name: `Role of ${ben.username}` });
  await role.selectOption('moderator');
  await bens.page.getByRole('complementary', { name: 'Members' }).getByText('moderator').waitFor();
  await bens.button('Invite').waitFor();
  expect(await bens.button(/^Remove/).count()).toBe(0);
  await adas.page.getByRole('combobox', { name: `Role of ${ada.username}` }).selectOption('member');
  await adas.page.getByRole('dialog', { name: 'Become a member?' }).getByRole('button', { name: 'Become a member' }).click();
  await adas.page.getByRole('alert').getByText(/last owner/).waitFor();
  expect(await adas.page.getByRole('combobox', { name: `Role of ${ada.username}` }).inputValue()).toBe('owner');

  await bens.button('Room settings').click();
  await bens.page.getByRole('dialog', { name: 'Room settings' }).waitFor();
  expect(await bens.button('Archive room').count()).toBe(0);
  await bens.page.keyboard.press('Escape');

  await adas.button('Room settings').click();
  await settings.getByRole('button', { name: 'Archive room' }).click();
  await adas.page.getByRole('dialog', { name: 'Archive Great plans?' }).getByRole('button', { name: 'Archive' }).click();
  for (const { page, rooms, button } of [adas, bens].map((visitor) => ({ page: visitor.page, rooms: visitor.rooms, button: visitor.button('Room settings') }))) {
    await page.getByText('This room is archived').waitFor();
    await rooms.getByRole('link', { name: 'Great plans' }).waitFor({ state: 'detached' });
    expect(await button.count()).toBe(0);
  }
  await settle('the heading has the focus of what has gone', () => adas.focused(), 'h2 Great plans');
});

test('who moderates a room invites somebody, who is removed again', async () => {
  const [ada, ben] = await Promise.all([stage.person('ada'), stage.person('ben')]);
  const room = await ada.createRoom('Guests', { type: 'private' });
  const visitor = await stage.enter(ada, room, { viewport });
  await visitor.button('Members').click();
  await visitor.button('Invite').click();
  await visitor.page.getByRole('searchbox', { name: 'Find people' }).fill(ben.username);
  await visitor.button(`Invite ${ben.username}`).press('Enter');
  await visitor.button(`${ben.username} is a member`).waitFor();
  expect(await visitor.focused()).toBe(`button ${ben.username} is a member`);
  await visitor.page.keyboard.press('Escape');

  await visitor.button(`Remove ${ben.username}`).click();
  await visitor.page.getByRole('dialog', { name: `Remove ${ben.username}?` }).getByRole('button', { name: 'Remove', exact: true }).click();
  await visitor.button(`Remove ${ben.username}`).waitFor({ state: 'detached' });
  await settle('the list has the focus of what has gone', () => visitor.focused(), 'ul Members');
});
