import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Each workspace that has tests says how they run.
    projects: ['./*/vitest.config.ts'],
    reporters: ['default', './vitest.summary.ts'],
  },
});
