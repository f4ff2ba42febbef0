import { Line, eventually } from '@parley/testing';
import { expect, test } from 'vitest';

import { agree, settle } from './settle.ts';
import { useStage } from './stage.ts';

const stage = useStage();

test('one goes offline, both send, it comes back: the same timeline in both, and by REST', async () => {
  const [ada, ben] = await Promise.all([stage.person('ada'), stage.person('ben')]);
  const room = await ada.createRoom('Tunnel', { members: [ben] });
  const line = await Line.to(stage.node);
  const adaPage = await stage.enter(ada, room, { line });
  const benPage = await stage.enter(ben, room);
  await adaPage.say('before the tunnel');
  await benPage.sees('before the tunnel');

  await adaPage.goOffline();
  await adaPage.connection.filter({ hasText: /offline since|reconnecting/i }).waitFor();
  for (const n of [1, 2, 3]) {
    await adaPage.say(`from the tunnel ${n}`);
    await benPage.say(`from outside ${n}`);
  }
  expect(await adaPage.unsent()).toEqual(['from the tunnel 1', 'from the tunnel 2', 'from the tunnel 3']);

  await adaPage.comeBack();
  await benPage.sees('from the tunnel 3');
  const told = await agree(ada, room, adaPage, benPage);
  expect([...told].sort()).toEqual([
    'before the tunnel', 'from outside 1', 'from outside 2', 'from outside 3', 'from the tunnel 1', 'from the tunnel 2', 'from the tunnel 3',
  ]);
  expect(told.filter((text) => text.startsWith('from the tunnel'))).toEqual(['from the tunnel 1', 'from the tunnel 2', 'from the tunnel 3']);
  await settle('the banner is gone', async () => (await adaPage.connection.innerText()).trim(), '');
});

test('what waits to be sent survives that the page is closed and opened again', async () => {
  const ada = await stage.person('ada');
  const room = await ada.createRoom('Drawer');
  const line = await Line.to(stage.node);
  const page = await stage.enter(ada, room, { line });
  await page.say('sent');
  await settle('it is sent', () => page.unsent(), []);
  line.cut(); // the browser thinks that it is online, as with a node that is gone
  await page.say('unsent');
  await page.page.goto('about:blank');
  line.mend();
  await page.page.goBack();
  await page.sees('unsent');
  expect(await agree(ada, room, page)).toEqual(['sent', 'unsent']);
});

test('the node is killed and started again while people write: nothing is lost, nothing is doubled', async () => {
  const [ada, ben] = await Promise.all([stage.person('ada'), stage.person('ben')]);
  const room = await ada.createRoom('Earthquake', { members: [ben] });
  const [adaPage, benPage] = await Promise.all([
    stage.enter(ada, room, { weather: true }), stage.enter(ben, room, { weather: true }),
  ]);
  await adaPage.say('calm');
  await benPage.sees('calm');

  const write = async (page: typeof adaPage, name: string) => {
    for (let n = 1; n <= 12; n++) await page.say(`${name} ${n}`);
  };
  const writing = Promise.all([write(adaPage, 'ada'), write(benPage, 'ben')]);
  for (let n = 0; n < 2; n++) {
    const seen = (await adaPage.timeline()).length;
    await eventually('something was written', async () => (await adaPage.timeline()).length > seen + 2 || (await ended(writing)));
    await stage.node.kill();
    await stage.node.start();
  }
  await writing;

  const told = await agree(ada, room, adaPage, benPage);
  for (const name of ['ada', 'ben']) {
    const own = told.filter((text) => text.startsWith(name));
    expect(own).toEqual(Array.from({ length: 12 }, (_, n) => `${name} ${n + 1}`));
  }
  expect(told).toHaveLength(25);
});

/** Whether it has come to its end by now. */
function ended(work: Promise<unknown>): Promise<boolean> {
  return Promise.race([work.then(() => true), Promise.resolve(false)]);
}
