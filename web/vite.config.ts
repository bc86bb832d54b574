import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// `npm run dev -w @tutti/web` beside a running `npm start`; localhost, because the session's cookie asks for a secure origin.
const system = process.env['TUTTI'] ?? 'http://localhost:3000';

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    target: 'es2023',
    // Everything is a file of its own: the policy of the page allows no data: and nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { host: 'localhost', proxy: { '/api': { target: system, changeOrigin: false } } },
});
