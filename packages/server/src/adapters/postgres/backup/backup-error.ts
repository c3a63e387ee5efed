/** What goes wrong between a backup and the database, in words for the operator. */
import pg from 'pg'
import { StartRefusal } from '../../../engine/start-refusal.ts'

/** The returned function tells whether the connection was lost, rather than closed by us. */
export function watchConnection(client: pg.Client): () => boolean {
  let lost = false
  const onLost = () => {
    lost = true
  }
  client.on('error', onLost)
  client.on('end', onLost)
  return () => lost
}

/** `what` such as "The backup could not be written". Other errors, such as those of a file, pass as they are. */
export function backupErrorOf(error: unknown, what: string, connectionWasLost: boolean): unknown {
  const { code = '' } = error instanceof pg.DatabaseError ? error : {}
  if (connectionWasLost || sessionEnded.test(code)) {
    const sentence = `${what}: the connection to the database was lost. Start again.`
    return new StartRefusal('database_unreachable', sentence, { cause: error })
  }
  if (!(error instanceof pg.DatabaseError)) return error
  return new StartRefusal('database_refused', `${what}: ${error.message}.`, { cause: error })
}

/** The server says this before it closes the connection. */
const sessionEnded = /^57P0[1-5]$/
