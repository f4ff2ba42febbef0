import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { budget } from './budget.ts';

// What the node answers; the rest is the page's.
const served = ['/api', '/debug', '/metrics', '/healthz', '/readyz', '/docs', '/openapi.json', '/asyncapi.json'];
const node = process.env.PARLEY_URL ?? 'http://localhost:3001';

const proxy = {
  ...Object.fromEntries(served.map((path) => [path, { target: node, changeOrigin: true }])),
  '/socket.io': { target: node, changeOrigin: true, ws: true },
};

export default defineConfig({
  plugins: [react(), budget({ kilobytes: 180, without: '/src/ops/' })],
  resolve: { alias: { entities: fileURLToPath(new URL('src/text/entities.ts', import.meta.url)) } },
  build: {
    outDir: '../dist/app',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // everything has an address: the content security policy allows nothing inline
    modulePreload: { polyfill: false },
  },
  server: { proxy },
  preview: { proxy },
});
