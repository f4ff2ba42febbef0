import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { name: 'react', environment: 'jsdom', include: ['test/**/*.test.{ts,tsx}'], testTimeout: 60_000, hookTimeout: 600_000 },
});
