import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'e2e',
    // Pictures are made when they are asked for: `npm run screenshots -w e2e`
    include: process.env['UPDATE_SCREENSHOTS'] ? ['src/screenshots.ts'] : ['src/**/*.test.ts'],
    // A browser and a node are enough for one machine: one file after the other, and after the tests of the other packages.
    fileParallelism: false,
    sequence: { groupOrder: 1 },
    // As with the Go tests: what a busy machine upsets is tried once more, and said.
    retry: 1,
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
