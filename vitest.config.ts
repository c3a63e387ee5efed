import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Workspace packages are tested from their sources: `source` comes first in their exports. */
const resolve = { conditions: ['source'] }
const ssr = { resolve: { conditions: ['source'], externalConditions: ['source'] } }

/** Our tests wait for processes more than they compute: with one file a core, two cores were busy for 57 % of a run. With two workers more than cores, a run took as long as with one more. */
const maxWorkers = availableParallelism() + 1

/** What takes 20 seconds and more, the longest first: begun last, each would have the end of a run to itself. */
const longest = [
  'e2e/chaos/recovery',
  'e2e/cli/backup',
  'e2e/start/start',
  'e2e/browser/appearance',
  'e2e/browser/events',
  'e2e/browser/sockets-appearance',
  'e2e/browser/notifications',
  'e2e/chaos/crash',
  'e2e/browser/connections',
  'e2e/browser/publish',
  'e2e/browser/large-text',
  'e2e/react/bell',
  'e2e/browser/gallery',
  'e2e/react/connection',
  'e2e/start/clone',
  'e2e/start/ready',
  'e2e/react/keyboard',
  'e2e/browser/notifications-appearance',
  'e2e/browser/trouble',
  'e2e/cli/migrate',
  'e2e/chaos/no-room',
  'e2e/client/tabs',
  'e2e/client/tabs-taking-over',
  'e2e/chaos/notifications',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const index = longest.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`))
      return index === -1 ? longest.length : index
    }
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other))
  }
}

/**
 * How long a condition is waited for. Vitest's own second is less than what one answer of a browser may take on a busy
 * machine; a condition that holds is never waited for this long.
 */
const expecting = { poll: { timeout: 20_000 } }

export default defineConfig({
  test: {
    maxWorkers,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'unit',
          expect: expecting,
          testTimeout: 30_000,
          // Loading the same modules for each file was half of the time; nothing of them is left changed by a test.
          isolate: false,
          include: ['packages/*/src/**/*.test.ts', 'tooling/**/*.test.ts'],
          exclude: ['**/*.integration.test.ts', '**/node_modules/**', '**/dist/**'],
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'integration',
          expect: expecting,
          include: ['packages/*/src/**/*.integration.test.ts'],
          globalSetup: ['tooling/test-postgres.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: 'product',
          expect: expecting,
          include: ['e2e/**/*.test.ts'],
          globalSetup: ['e2e/migrated-data.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
