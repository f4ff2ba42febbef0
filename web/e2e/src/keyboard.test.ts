import { expect, test } from 'vitest';

import { useStage } from './stage.ts';
import { Visitor } from './visitor.ts';

const stage = useStage();

/** Presses a key until what has the focus fits. */
async function press(visitor: Visitor, key: string, name: RegExp): Promise<void> {
  const seen: string[] = [];
  for (let n = 0; n < 60; n++) {
    const focused = await visitor.focused();
    if (name.test(focused)) return;
    seen.push(focused);
    await visitor.page.keyboard.press(key);
  }
  throw new Error(`${key} never comes to ${name}: ${seen.join(' | ')}`);
}

test('by the keyboard alone: sign in, pick a room, send, react', async () => {
  const ada = await stage.person('ada');
  await ada.createRoom('Keys');
  const visitor = await stage.visit();
  const { keyboard } = visitor.page;

  await visitor.page.getByRole('form', { name: 'Sign in' }).waitFor();
  await press(visitor, 'Tab', /^textbox Username/);
  await keyboard.type(ada.username);
  await press(visitor, 'Tab', /Password/);
  await keyboard.type(ada.password);
  await keyboard.press('Enter');

  await visitor.rooms.getByRole('link', { name: 'Keys' }).waitFor();
  await press(visitor, 'Tab', /^link Keys/);
  await keyboard.press('Enter');
  await visitor.composer.waitFor();
  await press(visitor, 'Tab', /^textbox Message/);
  await keyboard.type('no mouse');
  await keyboard.press('Enter');
  await visitor.sees('no mouse');

  await press(visitor, 'Shift+Tab', /^article .*no mouse/);
  await press(visitor, 'Tab', /^button React/);
  await keyboard.press('Enter');
  await visitor.page.getByRole('dialog', { name: 'Emoji' }).waitFor();
  await keyboard.type('thumbs up');
  await keyboard.press('Enter');
  await visitor.message('no mouse').getByRole('button', { name: /^👍 1/ }).waitFor();

  await keyboard.press('Escape');
  await visitor.page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await visitor.page.evaluate(() => document.activeElement !== document.body)).toBe(true);
});
