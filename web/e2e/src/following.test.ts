import { patience } from '@parley/testing';
import { expect, test } from 'vitest';

import { settle } from './settle.ts';
import { useStage } from './stage.ts';
import { Talker } from './talker.ts';
import type { Visitor } from './visitor.ts';

const stage = useStage();
const viewport = { width: 1280, height: 900 };
const full = 450; // more than a page keeps of a room

/** Ben looks at a room in which Ada talks, on a machine that is slow. */
async function audience(): Promise<{ visitor: Visitor; talker: Talker; room: string }> {
  const [ada, ben] = await Promise.all([stage.person('ada'), stage.person('ben')]);
  const room = await ada.createRoom('Stadium', { members: [ben] });
  const visitor = await stage.enter(ben, room, { viewport });
  await visitor.composer.waitFor();
  const client = await visitor.context.newCDPSession(visitor.page);
  await client.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  const talker = await Talker.connect(stage.node, ada);
  return { visitor, talker, room };
}

/** The numbers of the messages that can be seen, and where each of them stands. */
function inSight(visitor: Visitor): Promise<{ seq: number; top: number }[]> {
  return visitor.feed.evaluate((feed) => {
    const { top, bottom } = feed.getBoundingClientRect();
    const rows = [...feed.querySelectorAll('[data-seq]')].map((row) => ({ seq: Number(row.getAttribute('data-seq')), at: row.getBoundingClientRect() }));
    return rows.filter(({ at }) => at.bottom > top && at.top < bottom).map(({ seq, at }) => ({ seq, top: Math.round(at.top) }));
  });
}

/** What is in sight once nothing moves any more. */
async function atRest(visitor: Visitor): Promise<{ seq: number; top: number }[]> {
  let before = await inSight(visitor);
  const moved = async () => {
    const last = JSON.stringify(before);
    before = await inSight(visitor);
    return JSON.stringify(before) !== last;
  };
  await expect.poll(moved, { timeout: patience, interval: 250 }).toBe(false);
  return before;
}

/** The page is at the end of a room of so many messages. */
async function showsAll(visitor: Visitor, count: number): Promise<void> {
  await settle('the newest message is in sight', async () => (await inSight(visitor)).at(-1)?.seq, count);
  await settle('one is at the end', () => visitor.button(/^Jump to newest/).count(), 0);
}

/** Talks for a while. Returns how much was said. */
async function talk(talker: Talker, room: string, perSecond: number, seconds: number): Promise<number> {
  const stop = talker.talk(room, perSecond);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return stop();
}

test('who is at the end stays there, however much comes at once', async () => {
  const { visitor, talker, room } = await audience();
  await talker.fill(room, full);
  await showsAll(visitor, full);
  await showsAll(visitor, full + (await talk(talker, room, 400, 1)));
  talker.close();
});

test('who scrolls up while much is said stays there, hears how much is newer, and goes on to it', async () => {
  const { visitor, talker, room } = await audience();
  await talker.fill(room, full);
  await showsAll(visitor, full);
  const stop = talker.talk(room, 200);
  await visitor.feed.hover();
  await visitor.page.mouse.wheel(0, -600);
  const jump = visitor.button(/^Jump to newest, \d+ newer$/);
  await jump.waitFor();
  const before = await atRest(visitor);
  const newer = async () => Number((await jump.getAttribute('aria-label'))?.match(/\d+/)?.[0]);
  const since = await newer();
  await expect.poll(newer, { timeout: patience }).toBeGreaterThan(since + 100);
  expect(await inSight(visitor)).toEqual(before);

  await jump.click();
  await jump.waitFor({ state: 'detached' });
  expect(await visitor.focused()).toBe('feed Messages');
  const said = await stop();
  await showsAll(visitor, full + said);
  await showsAll(visitor, full + said + (await talk(talker, room, 200, 0.5)));
  talker.close();
});

test('who is at the end stays there while the composer grows, where the page has to measure it', async () => {
  const { visitor, talker, room } = await audience();
  await visitor.page.evaluate(() => {
    CSS.supports = () => false;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('textarea { field-sizing: fixed !important; }');
    document.adoptedStyleSheets = [sheet];
  });
  await talker.fill(room, 60);
  await showsAll(visitor, 60);
  for (const key of ['a', 'Shift+Enter', 'b', 'Shift+Enter', 'c', 'Shift+Enter', 'd', 'e']) {
    await visitor.composer.press(key);
    await visitor.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
  }
  await talker.fill(room, 60);
  await showsAll(visitor, 120);
  talker.close();
});
