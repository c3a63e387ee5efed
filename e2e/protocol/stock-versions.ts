/** The oldest stock client that recovers and the newest, and what they know of themselves (F1). */
import { io, type Socket } from 'socket.io-client'
import { io as io46 } from 'socket.io-client-4-6'

export const stockVersions = [
  ['4.8.4', io],
  // Its types are those of another package with the same names.
  ['4.6.2', io46 as unknown as typeof io],
] as const

export const pidOf = (client: Socket) => (client as unknown as { _pid?: string })._pid
export const cursorOf = (client: Socket) => (client as unknown as { _lastOffset?: string })._lastOffset
