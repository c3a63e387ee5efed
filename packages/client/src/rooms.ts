/**
 * Rooms that an application wants to be in. They are entered when the namespace is open, entered again when the session is
 * a new one, and left when nobody wants them any more.
 *
 *   wanted → in        the namespace is open, and the server lets it in
 *          → refused   not for this session; the next one asks again
 *   in     → wanted    the session is another one, or something was missed
 *          → refused   the server took it out: it may not be there any more
 *   any    → left      by the last who wanted it
 */
import type { EveryNamespace, NamespaceContract, RoomRef } from '@belfry/contract'
import type { Client } from './client.ts'
import { type Clock, systemClock } from './clock.ts'
import { CommandError } from './command-error.ts'
import { portion, portionEveryMs } from './commands.ts'
import type { Live } from './live.ts'
import { report } from './report.ts'

export interface RoomOptions {
  /**
   * Whenever it is in: at first, and again with each new session, and after something was missed. What comes after `position`
   * comes as events, so this is the moment to fetch what was before.
   */
  readonly onEntered?: (position: string) => unknown
  /** It may not be in there, or not any more. `console.error` if absent. */
  readonly onRefused?: (error: CommandError) => unknown
  readonly clock?: Clock
}

interface Room {
  readonly key: string
  readonly ref: RoomRef
  readonly users: Set<{ readonly options: RoomOptions }>
  /** Of the present session, once it is in. */
  position: string | undefined
}

type Rooms = (ref: RoomRef, options: RoomOptions) => () => void

const roomsOfClients = new WeakMap<Client, Map<string, Rooms>>()

/** Returns the function that ends it. Who enters and leaves by commands as well gets in its way. */
export function enterRoom(
  client: Client,
  contract: NamespaceContract,
  room: RoomRef,
  options: RoomOptions = {},
): () => void {
  const ofClient = roomsOfClients.get(client) ?? new Map<string, Rooms>()
  roomsOfClients.set(client, ofClient)
  // Of a namespace, only its name is needed.
  const live = () => client.namespace(contract as unknown as EveryNamespace)
  const enter = ofClient.get(contract.name) ?? createRooms(live(), options.clock ?? systemClock)
  ofClient.set(contract.name, enter)
  return enter(room, options)
}

function createRooms(live: Live<EveryNamespace>, clock: Clock): Rooms {
  /** The server lets a session into 1,000. */
  const wanted = new Map<string, Room>()
  let isOpen = false
  /** To be entered, a portion at a time: the server counts commands by the second. */
  let due: Room[] = []
  let stopPacing: (() => void) | undefined
  let stopWatching = () => {}

  function open(): void {
    isOpen = live.state.get().status === 'open'
    stopWatching = live.state.subscribe(changed)
    live.onReset(() => again(({ position }) => position !== undefined))
    live.on('room:lost', ({ rooms }) => {
      for (const ref of rooms) lost(wanted.get(keyOf(ref)))
    })
  }

  function close(): void {
    stopWatching()
    halt()
    live.close()
  }

  function changed(): void {
    const state = live.state.get()
    const wasOpen = isOpen
    isOpen = state.status === 'open'
    if (state.status !== 'open') halt()
    // Who recovered is in them still. That more is known of a session that is open changes nothing.
    else if (!wasOpen) again(({ position }) => !state.recovered || position === undefined)
  }

  function again(isMeant: (room: Room) => boolean): void {
    const meant = [...wanted.values()].filter(isMeant)
    for (const room of meant) room.position = undefined
    due.push(...meant)
    pump()
  }

  function lost(room: Room | undefined): void {
    // One that is asked for at this moment has its answer soon.
    if (room?.position === undefined) return
    room.position = undefined
    refused(room, new CommandError(outOfRoom))
  }

  function refused(room: Room, error: CommandError): void {
    for (const { options } of [...room.users]) tell(() => (options.onRefused ?? report)(error))
  }

  function halt(): void {
    due = []
    stopPacing?.()
    stopPacing = undefined
  }

  function pump(): void {
    if (stopPacing !== undefined) return
    for (const room of due.splice(0, portion)) void join(room)
    if (due.length > 0) later()
  }

  function later(): void {
    stopPacing ??= clock.after(portionEveryMs, () => {
      stopPacing = undefined
      pump()
    })
  }

  async function join(room: Room): Promise<void> {
    try {
      const { position } = await live.command('room:join', { room: room.ref })
      room.position = position
      for (const { options } of [...room.users]) tell(() => options.onEntered?.(position))
    } catch (thrown) {
      const error = thrown as CommandError
      // What is left is not asked for, and what the line took is asked for when it is back.
      if (wanted.get(room.key) !== room || live.state.get().status !== 'open') return
      if (error.retry) {
        due.push(room)
        later()
      } else refused(room, error)
    }
  }

  function leave(room: Room): void {
    wanted.delete(room.key)
    due = due.filter((each) => each !== room)
    if (live.state.get().status === 'open') live.command('room:leave', { room: room.ref }).catch(() => {})
    if (wanted.size === 0) close()
  }

  return (ref, options) => {
    const key = keyOf(ref)
    const user = { options }
    const room = wanted.get(key) ?? { key, ref, users: new Set(), position: undefined }
    room.users.add(user)
    const { position } = room
    if (position !== undefined) tell(() => options.onEntered?.(position))
    if (!wanted.has(key)) {
      wanted.set(key, room)
      if (wanted.size === 1) open()
      if (live.state.get().status === 'open') {
        due.push(room)
        pump()
      }
    }
    return () => {
      if (room.users.delete(user) && room.users.size === 0) leave(room)
    }
  }
}

const keyOf = ({ kind, id }: RoomRef) => `${kind}:${id}`

const outOfRoom = {
  code: 'forbidden',
  message: 'This session is not in the room any more: it may not be there.',
  retry: false,
} as const

function tell(listener: () => unknown): void {
  try {
    listener()
  } catch (error) {
    report(error)
  }
}
