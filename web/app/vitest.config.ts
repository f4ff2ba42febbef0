import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { alias: { entities: fileURLToPath(new URL('src/text/entities.ts', import.meta.url)) } },
  test: { name: 'app', environment: 'jsdom', testTimeout: 60_000, include: ['test/**/*.test.{ts,tsx}', 'src/ops/**/*.test.{ts,tsx}'] },
});
