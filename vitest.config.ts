import { defineConfig } from 'vitest/config';

const shared = {
  testTimeout: 60_000,
  hookTimeout: 150_000,
  globalSetup: ['kit/src/testing/global-setup.ts'],
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'rules and stories',
          include: ['{contracts,kit,services,standalone,cluster,test,bench,web/src}/**/*.test.ts'],
          exclude: ['test/{faults,cluster}/**', '**/node_modules/**'],
          provide: { form: 'embedded' },
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
          provide: { form: 'embedded' },
          // One after the other: each starts whole systems and loads them.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          name: 'cluster',
          // Stories that hold for both forms are told twice; the rest is about processes.
          include: ['test/cluster/**/*.test.ts', 'test/stories/{four-flows,races,waiting-room}.test.ts'],
          provide: { form: 'cluster' },
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          testTimeout: 60_000,
          hookTimeout: 150_000,
          name: 'web',
          include: ['web/test/**/*.test.ts'],
          // A browser and the whole system share two cores.
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
