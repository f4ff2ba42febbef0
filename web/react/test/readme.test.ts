// @vitest-environment node
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const text = (name: string) => readFileSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), 'utf8');

it('has a README whose chat is the example that is compiled, in about 40 lines', () => {
  const shown = /```tsx\n([^`]*)```/.exec(text('README.md'))?.[1];
  expect(shown).toBe(text('example/chat.tsx'));
  expect(shown?.split('\n').length).toBeLessThan(46);
});
