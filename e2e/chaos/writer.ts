/**
 * A server reduced to its promise about data: opens the database as `belfry start` does, writes rows from many
 * tasks at once, and says on standard output which of them were acknowledged. Killed by crash.test.ts.
 */
import { flushCompileCache } from 'node:module'
import process from 'node:process'
import { setImmediate } from 'node:timers/promises'
import { sql } from '../../packages/server/src/engine/sql.ts'
import { openDatabase } from '../../packages/server/src/server/open-database.ts'
import { loadSettings } from '../../packages/server/src/server/settings.ts'

const tasks = 16
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const ignore = () => undefined

const { settings } = loadSettings(process.env)
const opened = await openDatabase({
  settings,
  logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  use: 'own',
  onProgress: ignore,
  signal: new AbortController().signal,
})
const { database } = opened
await database.query(sql`create schema if not exists belfry`)
await database.query(sql`create table if not exists written (id bigint primary key, pair bigint not null)`)
const [highest] = await database.query(
  sql<{ id: number }>`select coalesce(max(id), 0)::int as id from written`,
)
// Ids of a run begin far above those that a killed run may have left unacknowledged.
let next = (Math.floor((highest?.id ?? 0) / 1_000_000) + 1) * 1_000_000
say({ ready: opened.summary })
// Otherwise written at the end of a process, which most of these do not live to see.
flushCompileCache()

let stopping = false
process.on('SIGTERM', () => {
  stopping = true
  void opened.close().then(() => process.exit(0))
})
await Promise.all(Array.from({ length: tasks }, (_, task) => write(task % 2 === 0)))

/** Half of the tasks write single rows, the other half two rows in a transaction, which must stay together. */
async function write(single: boolean): Promise<void> {
  while (!stopping) {
    const id = next++
    try {
      if (single) {
        await database.query(sql`insert into written (id, pair) values (${id}, ${id})`)
        say({ written: [id] })
      } else {
        const other = next++
        await database.transaction(async (transaction) => {
          await transaction.query(sql`insert into written (id, pair) values (${id}, ${other})`)
          await transaction.query(sql`insert into written (id, pair) values (${other}, ${id})`)
        })
        say({ written: [id, other] })
      }
    } catch (error) {
      // Not acknowledged: whether it took effect is unknown, and nobody was promised anything.
      say({ refused: error instanceof Error ? error.message : String(error) })
      // A refusal may come without any wait: the process must still hear signals.
      await setImmediate()
    }
  }
}
