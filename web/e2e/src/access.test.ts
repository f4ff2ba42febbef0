import { createRequire } from 'node:module';

import type { AxeResults } from 'axe-core';
import { expect, test } from 'vitest';

import { useStage } from './stage.ts';
import type { Visitor } from './visitor.ts';

const stage = useStage();
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What axe finds serious or critical: the rule, and where. */
async function faults(visitor: Visitor): Promise<string[]> {
  // The page's own policy forbids scripts from elsewhere. This one comes by the debugger.
  if (!(await visitor.page.evaluate(() => 'axe' in globalThis))) await visitor.inject(axe);
  const { violations } = await visitor.page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } };
    return axe.run();
  });
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)} (${node.failureSummary ?? ''})`));
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds no serious fault on the way through the ${colorScheme} page`, async () => {
    const [ada, ben] = await Promise.all([stage.person('ada'), stage.person('ben')]);
    const room = await ada.createRoom('Everything', { members: [ben] });
    const first = await ada.say(room, 'plain, **bold**, `code`, a [link](https://example.com) and @ben');
    await ada.call('PUT', `/rooms/${room}/messages/${first.id}/reactions/${encodeURIComponent('👍')}`);
    await ada.call('PUT', `/rooms/${room}/messages/${first.id}/pin`);
    await ben.call('POST', `/rooms/${room}/messages`, { content: 'an answer', replyTo: first.id });
    const gone = await ben.say(room, 'gone');
    await ben.call('DELETE', `/rooms/${room}/messages/${gone.id}`);

    const visitor = await stage.visit({ colorScheme, viewport: { width: 1280, height: 900 } });
    await visitor.page.getByRole('form', { name: 'Sign in' }).waitFor();
    expect(await faults(visitor)).toEqual([]);
    await visitor.signIn(ada);
    await visitor.openRoom('Everything');
    await visitor.sees('an answer');
    expect(await faults(visitor)).toEqual([]);

    for (const panel of ['Members', 'Pinned messages', 'Search']) {
      await visitor.button(panel).click();
      await visitor.page.getByRole('complementary', { name: panel }).waitFor();
      expect(await faults(visitor), panel).toEqual([]);
    }
    await visitor.button('Close panel').click();
    await visitor.button('Emoji').click();
    await visitor.page.getByRole('dialog', { name: 'Emoji' }).waitFor();
    expect(await faults(visitor), 'emoji').toEqual([]);
    await visitor.page.keyboard.press('Escape');
    await visitor.button('New room').click();
    await visitor.page.getByRole('dialog', { name: 'New room' }).waitFor();
    expect(await faults(visitor), 'new room').toEqual([]);
    await visitor.page.keyboard.press('Escape');
    await visitor.button('Time travel').click();
    await visitor.slider.waitFor();
    expect(await faults(visitor), 'time travel').toEqual([]);
  });
}
