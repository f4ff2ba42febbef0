import { defineConfig } from 'vitest/config';

// Minutes of load, and what a clock says of them: for a machine that does nothing else. `npm run endurance -w e2e`
export default defineConfig({
  test: {
    name: 'endurance',
    include: ['src/**/*.endurance.ts'],
    fileParallelism: false,
    testTimeout: 30 * 60_000,
    hookTimeout: 180_000,
  },
});
