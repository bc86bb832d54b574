import { defineConfig } from 'vitest/config';

const shared = {
  testTimeout: 60_000,
  hookTimeout: 60_000,
  globalSetup: ['kit/src/testing/global-setup.ts'],
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'rules and stories',
          include: ['{contracts,kit,services,standalone,test,bench}/**/*.test.ts'],
          exclude: ['test/faults/**', '**/node_modules/**'],
          // Two cores are shared with PostgreSQL: more files at once only makes each of them slower.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          // One after the other: each starts whole systems and loads them.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
