import { expect, test } from 'vitest';

import { settle } from './settle.ts';
import { useStage } from './stage.ts';

const stage = useStage({ ACCESS_TOKEN_TTL: '3s' });

test('a token that expires is renewed: the connection stays, and REST answers', async () => {
  const [ada, ben] = await Promise.all([stage.person('ada'), stage.person('ben')]);
  const room = await ada.createRoom('Long evening', { members: [ben] });
  const page = await stage.visit({ path: `/rooms/${room}` });
  let renewed = 0;
  let sockets = 0;
  page.page.on('response', (response) => {
    if (response.url().endsWith('/api/v1/auth/refresh') && response.ok()) renewed++;
  });
  page.page.on('websocket', () => { sockets++; });
  await page.signIn(ben);
  await page.say('at dusk');
  await settle('three tokens were renewed', async () => renewed >= 3, true);
  await page.say('at dawn');
  await settle('both are sent', () => page.unsent(), []);
  expect(await page.timeline()).toEqual(['at dusk', 'at dawn']);
  expect(sockets).toBe(1);
});

test('who comes back when the token is long over is still signed in', async () => {
  const ada = await stage.person('ada');
  const room = await ada.createRoom('Holiday');
  const page = await stage.enter(ada, room);
  await page.say('off I go');
  await settle('it is sent', () => page.unsent(), []);
  await page.page.goto('about:blank');
  await new Promise((resolve) => setTimeout(resolve, 4_000)); // the token lives for three seconds
  await page.page.goBack();
  await page.sees('off I go');
  await page.say('back again');
  await settle('it is sent', () => page.unsent(), []);
});
