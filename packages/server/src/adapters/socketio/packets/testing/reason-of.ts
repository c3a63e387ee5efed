import { MalformedPacket } from '../malformed-packet.ts'

/** Why `act` was refused; `none` if it was not. Every other error is thrown on. */
export function reasonOf(act: () => unknown): string {
  try {
    act()
    return 'none'
  } catch (error) {
    if (error instanceof MalformedPacket) return error.reason
    throw error
  }
}
