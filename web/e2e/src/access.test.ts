import { createRequire } from 'node:module';

import type { AxeResults, RunOptions } from 'axe-core';
import { expect, test } from 'vitest';

import { useStage } from './stage.ts';
import type { Visitor } from './visitor.ts';

const stage = useStage();
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What axe finds serious or critical: the rule, and where. In the dark only colours are another matter. */
async function faults(visitor: Visitor, colorScheme: 'light' | 'dark'): Promise<string[]> {
  // The page's own policy forbids scripts from elsewhere. This one comes by the debugger.
  if (!(await visitor.page.evaluate(() => 'axe' in globalThis))) await visitor.inject(axe);
  const { violations } = await visitor.page.evaluate(async (rules) => {
    const { axe } = globalThis as unknown as { axe: { run(options: RunOptions): Promise<AxeResults> } };
    return axe.run({ resultTypes: ['violations'], ...(rules && { runOnly: rules }) });
  }, colorScheme === 'dark' ? ['color-contrast'] : undefined);
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
    expect(await faults(visitor, colorScheme)).toEqual([]);
    await visitor.signIn(ada);
    await visitor.openRoom('Everything');
    await visitor.sees('an answer');
    expect(await faults(visitor, colorScheme)).toEqual([]);

    for (const panel of ['Members', 'Pinned messages', 'Search']) {
      await visitor.button(panel).click();
      await visitor.page.getByRole('complementary', { name: panel }).waitFor();
      expect(await faults(visitor, colorScheme), panel).toEqual([]);
    }
    await visitor.button('Close panel').click();
    await visitor.button('Emoji').click();
    await visitor.page.getByRole('dialog', { name: 'Emoji' }).waitFor();
    expect(await faults(visitor, colorScheme), 'emoji').toEqual([]);
    await visitor.page.keyboard.press('Escape');
    await visitor.button('New room').click();
    await visitor.page.getByRole('dialog', { name: 'New room' }).waitFor();
    expect(await faults(visitor, colorScheme), 'new room').toEqual([]);
    await visitor.page.keyboard.press('Escape');
    await visitor.button('Room settings').click();
    await visitor.page.getByRole('dialog', { name: 'Room settings' }).waitFor();
    expect(await faults(visitor, colorScheme), 'room settings').toEqual([]);
    await visitor.page.keyboard.press('Escape');
    await visitor.button('Time travel').click();
    await visitor.slider.waitFor();
    expect(await faults(visitor, colorScheme), 'time travel').toEqual([]);
  });
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds no serious fault on the ${colorScheme} page of operations`, async () => {
    const admin = await stage.deployment.admin(stage.node);
    await admin.say(await admin.createRoom('Ledger'), 'an event');
    const visitor = await stage.enter(admin, undefined, { colorScheme, viewport: { width: 1280, height: 900 } });
    await visitor.page.goto('/ops');
    const sections = visitor.page.getByRole('navigation', { name: 'Operations' });
    const shown = {
      Overview: visitor.page.getByRole('figure', { name: 'Queues' }),
      Connections: visitor.page.getByRole('table', { name: 'Nodes' }),
      Views: visitor.page.getByRole('table', { name: 'Views' }),
      Consumers: visitor.page.getByRole('heading', { level: 2 }).first(),
      Log: visitor.page.getByRole('table', { name: 'Events' }),
    };
    for (const [section, content] of Object.entries(shown)) {
      await sections.getByRole('link', { name: section, exact: true }).click();
      await content.waitFor();
      expect(await faults(visitor, colorScheme), section).toEqual([]);
    }
    await visitor.page.getByRole('button', { name: 'Open event 1', exact: true }).click();
    await visitor.page.getByRole('complementary', { name: 'Event 1' }).getByRole('region', { name: 'Causes' }).waitFor();
    expect(await faults(visitor, colorScheme), 'an event').toEqual([]);
  });
}
