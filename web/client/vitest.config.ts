import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    name: 'client',
    environment: 'node',
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    isolate: false,
    // Real nodes, on a machine that others use too.
    // As with the Go tests: what a busy machine upsets is tried once more, and said.
    retry: 1,
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
