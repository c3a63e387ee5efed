/**
 * Sends that come at the same time share a transaction, so that a storm of them costs few commits. A transaction that
 * stays open, such as one of the host, holds the inboxes of those it sent to: sends to the same people wait for it, and
 * nobody else does.
 *
 *   given → shared → answered
 *             └→ alone, because something of the shared one failed → answered
 *                  └→ patient, because somebody holds what it needs → answered
 */
import { Refusal } from '@belfry/contract'
import {
  type Database,
  DatabaseError,
  lockNotFree,
  statementTooSlow,
  type Transaction,
} from '../../engine/ports/database.ts'
import { together } from '../../engine/together.ts'

/** Recipients of sends that share a transaction; one that has more has a transaction of its own. */
export const sharedRecipientsMax = 250
/** While one is committed, the other is filled. */
const sharedTransactionsMax = 2
/** Of what a shared one failed with: without haste, since most of it is not to blame. */
const aloneTransactionsMax = 2
/** What waits for others holds one connection, whoever it is that waits. */
const patientTransactionsMax = 1
/** Some seconds of all that a database takes. */
const waitingMax = 20_000

export interface SharedSendsParts<Sending, Outcome> {
  readonly database: Database
  /** An outcome for each. */
  sendIn(transaction: Transaction, sendings: readonly Sending[]): Promise<readonly Outcome[]>
}

export function createSharedSends<Sending extends { readonly users: readonly string[] }, Outcome>({
  database,
  sendIn,
}: SharedSendsParts<Sending, Outcome>): (sending: Sending) => Promise<Outcome> {
  /** Who somebody else holds, with the sends that wait for that. */
  const held = new Map<string, number>()
  const isHeld = ({ users }: Sending) => held.size > 0 && users.some((user) => held.has(user))
  const send = (sendings: readonly Sending[], waitsBriefly: boolean) =>
    database.transaction((transaction) => sendIn(transaction, sendings), { waitsBriefly })
  const weight = ({ users }: Sending) => Math.max(1, users.length)

  const sendShared = together<Sending, Outcome>({
    run: (sendings) => send(sendings, true),
    alone: sendAlone,
    weight,
    weightMax: sharedRecipientsMax,
    roundsMax: sharedTransactionsMax,
    waitingMax,
  })
  const sendBriefly = together<Sending, Outcome | 'held'>({
    // Others of the same round may have found out meanwhile.
    run: async (sendings) => (sendings.some(isHeld) ? sendings.map(() => 'held') : send(sendings, true)),
    weight: () => 1,
    weightMax: 1,
    roundsMax: aloneTransactionsMax,
    waitingMax,
  })
  const sendPatiently = together<Sending, Outcome>({
    run: (sendings) => send(sendings, false).catch(refuseWhenHeld),
    alone: async (sending) => (await send([sending], false).catch(refuseWhenHeld))[0] as Outcome,
    weight,
    weightMax: sharedRecipientsMax,
    roundsMax: patientTransactionsMax,
    waitingMax,
  })

  async function sendAlone(sending: Sending): Promise<Outcome> {
    try {
      const outcome = await sendBriefly(sending)
      if (outcome !== 'held') return outcome
    } catch (error) {
      if (!hasCode(error, lockNotFree)) throw error
    }
    return wait(sending)
  }

  async function wait(sending: Sending): Promise<Outcome> {
    const { users } = sending
    // Of several, nobody knows which one it is.
    const [user] = users.length === 1 ? users : []
    if (user !== undefined) held.set(user, (held.get(user) ?? 0) + 1)
    try {
      return await sendPatiently(sending)
    } finally {
      if (user !== undefined) {
        const left = (held.get(user) ?? 1) - 1
        if (left === 0) held.delete(user)
        else held.set(user, left)
      }
    }
  }

  return (sending) => (isHeld(sending) ? wait(sending) : sendShared(sending))
}

function refuseWhenHeld(error: unknown): never {
  if (!hasCode(error, statementTooSlow)) throw error
  throw new Refusal(
    'database_unavailable',
    'A transaction holds the inbox of somebody who is to get this, and does not end. Nothing was sent.',
    { cause: error },
  )
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof DatabaseError && error.code === code
}
