import { expect, test } from 'vitest';

import { useStage } from './stage.ts';

const stage = useStage();

/** What the first load may cost on the wire, headers left out. */
const budget = 180 * 1024;

test('the first load is small, compressed, and comes from the node alone', async () => {
  const person = await stage.person('ada');
  const room = await person.createRoom('Small');
  const visitor = await stage.visit({ path: 'about:blank' });
  const client = await visitor.context.newCDPSession(visitor.page);
  await client.send('Network.enable');
  const loaded = new Map<string, { url: string; encoding: string; bytes: number }>();
  client.on('Network.responseReceived', ({ requestId, response }) => {
    loaded.set(requestId, { url: response.url, encoding: response.headers['Content-Encoding'] ?? '', bytes: 0 });
  });
  client.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const entry = loaded.get(requestId);
    if (entry) entry.bytes = encodedDataLength;
  });
  await visitor.page.goto(`/rooms/${room}`);
  await visitor.signIn(person);
  await visitor.composer.waitFor();
  await person.say(room, 'and here is **all** of it');
  await visitor.feed.locator('strong', { hasText: 'all' }).last().waitFor();

  const all = [...loaded.values()];
  expect(all.filter((entry) => !entry.url.startsWith(stage.node.url))).toEqual([]);
  const page = all.filter((entry) => !/\/(api|socket\.io)\//.test(entry.url));
  const total = page.reduce((sum, entry) => sum + entry.bytes, 0);
  console.log(`first load: ${(total / 1024).toFixed(1)} KiB in ${page.length} files`);
  expect(total).toBeGreaterThan(20 * 1024);
  expect(total).toBeLessThan(budget);
  for (const entry of page.filter(({ url }) => /\.(js|css)$/.test(url))) expect(`${entry.url} ${entry.encoding}`).toMatch(/ (br|gzip)$/);
});

test('a page that was there before loads nothing again but its first file', async () => {
  const visitor = await stage.visit();
  await visitor.page.getByRole('form', { name: 'Sign in' }).waitFor();
  await visitor.page.goto('/');
  await visitor.page.getByRole('form', { name: 'Sign in' }).waitFor();
  const loaded = await visitor.page.evaluate(() =>
    performance.getEntriesByType('resource').map((entry) => ({
      path: new URL(entry.name).pathname,
      bytes: (entry as PerformanceResourceTiming).transferSize,
    })),
  );
  const assets = loaded.filter(({ path }) => path.startsWith('/assets/'));
  expect(assets.length).toBeGreaterThan(0);
  expect(assets.filter(({ bytes }) => bytes > 0)).toEqual([]);
});
