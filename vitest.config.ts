import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** They begin first in their group: a long one that begins last keeps one worker busy and the other idle. */
const longest = [
  'faults/crash-points',
  'faults/startup',
  'faults/stopping',
  'faults/kills',
  'line/varnish',
  'waiting-room/test/waiting-room',
  'postgres/embedded',
  'cluster/replicas',
  'cluster/prometheus',
  'web/test/waiting-room',
  'web/test/unsteady',
  'web/test/whole-way',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ project, moduleId }: TestSpecification): number => {
      const at = longest.findIndex((name) => moduleId.includes(`${name}.test.`));
      return project.config.sequence.groupOrder * 100 + (at === -1 ? longest.length : at);
    };
    // Vitest's own sort, which leaves what it is given as it is.
    // oxlint-disable-next-line unicorn/no-array-sort
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

const patience = {
  testTimeout: 60_000,
  hookTimeout: 150_000,
  // A second, which it would be, is nothing to a busy machine.
  expect: { poll: { timeout: 10_000 } },
};

const shared = {
  ...patience,
  globalSetup: ['kit/src/testing/global-setup.ts'],
};

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...shared,
          name: 'rules and stories',
          include: ['{contracts,kit,services,standalone,cluster,test,bench,web/src}/**/*.test.ts'],
          exclude: ['test/{faults,cluster}/**', '**/node_modules/**'],
          provide: { form: 'embedded' },
          // Of two cores, one file's waiting is another's work: processes that come back, holds that end.
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          exclude: ['test/faults/overload.test.ts', '**/node_modules/**'],
          provide: { form: 'embedded' },
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'cluster',
          // Stories that hold for both forms are told twice; the rest is about processes.
          include: ['test/cluster/**/*.test.ts', 'test/stories/{four-flows,races,waiting-room}.test.ts'],
          exclude: ['test/cluster/chaos.test.ts', '**/node_modules/**'],
          provide: { form: 'cluster' },
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...patience,
          name: 'web',
          include: ['web/test/**/*.test.ts'],
          maxWorkers: 2,
          // With the cluster's: the one waits for a browser, the other for processes.
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          name: 'alone',
          // What they load, they want for themselves.
          include: ['test/faults/overload.test.ts', 'test/cluster/chaos.test.ts'],
          provide: { form: 'embedded' },
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
