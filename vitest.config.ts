import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{contracts,kit,services,standalone,test}/**/*.test.ts'],
    // Two cores are shared with PostgreSQL: more files at once only makes each of them slower.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    globalSetup: ['kit/src/testing/global-setup.ts'],
  },
});
