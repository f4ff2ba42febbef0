import { expect, test } from 'vitest';

import { settle } from './settle.ts';
import { useStage } from './stage.ts';
import { Talker } from './talker.ts';
import { percentile, tasks, Watch } from './watch.ts';

const stage = useStage();
const viewport = { width: 1280, height: 900 };
const history = Number(process.env['ENDURANCE_MESSAGES'] ?? 100_000);
const seconds = Number(process.env['ENDURANCE_SECONDS'] ?? 600);
const longTask = 50; // ms
const perSecond = 200;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const round = (values: number[]) => values.map((value) => Math.round(value));

test(`a room with ${history} messages scrolls without a long task`, async () => {
  const ada = await stage.person('ada');
  const room = await ada.createRoom('Archive');
  const talker = await Talker.connect(stage.node, ada);
  await talker.fill(room, history);
  talker.close();

  const visitor = await stage.enter(ada, room, { viewport });
  await visitor.feed.getByRole('article').first().waitFor();
  const watch = await Watch.on(visitor);
  await visitor.feed.hover();
  for (const place of [undefined, Math.floor(history / 2), 1000]) {
    if (place) await visitor.page.goto(`/rooms/${room}?message=${place}`);
    await visitor.feed.getByRole('article').first().waitFor();
    await pause(1000);
    const first = await visitor.timeline();
    const busy = await tasks(stage.browser, visitor, async () => {
      for (let n = 0; n < 300; n++) {
        await visitor.page.mouse.wheel(0, n % 3 === 2 && place ? 900 : -1200);
        await pause(16);
      }
    });
    console.log(`from ${place ?? 'the end'}: ${busy.length} tasks, the longest took ${round(busy.slice(0, 5)).join(', ')} ms; ${await watch.elements()} elements, ${(await watch.heap()).toFixed(1)} MiB`);
    expect(busy.length).toBeGreaterThan(300);
    expect(await visitor.timeline()).not.toEqual(first);
    expect(busy[0]).toBeLessThan(longTask);
  }
});

test(`${perSecond} messages/s for ${seconds} s: the page answers, and its memory stays flat`, async () => {
  const [ada, ben] = await Promise.all([stage.person('ada'), stage.person('ben')]);
  const room = await ada.createRoom('Stadium', { members: [ben] });
  const visitor = await stage.enter(ben, room, { viewport });
  await visitor.composer.waitFor();
  const watch = await Watch.on(visitor);
  await watch.begin();
  const talker = await Talker.connect(stage.node, ada);
  const stop = talker.talk(room, perSecond);
  const heaps: number[] = [];
  let pressed = 0;
  const end = Date.now() + seconds * 1000;
  for (let next = 0; Date.now() < end; ) {
    await visitor.composer.press('a');
    pressed++;
    await pause(500);
    if (Date.now() < next) continue;
    next = Date.now() + (seconds * 1000) / 20;
    heaps.push(await watch.heap());
  }
  const said = await stop();
  talker.close();
  const { keys, longTasks } = await watch.busy();
  const answers = [...keys, ...Array<number>(Math.max(0, pressed - keys.length)).fill(0)];
  console.log(`${said} messages; keys waited ${percentile(answers, 0.95)} ms (p95), at most ${Math.max(...answers)} ms; `
    + `${longTasks.length} long tasks, ${await watch.elements()} elements, MiB ${heaps.map((heap) => heap.toFixed(1)).join(' ')}`);

  const newest = (await ada.newest(room)).content;
  await settle('the page has caught up', async () => (await visitor.timeline()).at(-1)?.split(':')[0], newest.split(':')[0]);
  const settled = heaps.slice(Math.floor(heaps.length / 4)); // the window of the timeline is full by then
  const half = Math.floor(settled.length / 2);
  const [before, after] = [percentile(settled.slice(0, half), 0.5), percentile(settled.slice(half), 0.5)];
  expect(after).toBeLessThan(before * 1.1 + 1);
  expect(percentile(answers, 0.95)).toBeLessThan(200);
});
