/** What carries the packets of a client of the fleet, and how its line breaks. */
import type { CutOptions } from '../faults/fault-line.ts'

export interface Carrier {
  send(packet: string): void
  /** Breaks the line. Who is told hears it from its own end; `closed` is called if that is the client. */
  cut(options: CutOptions): void
  /** Nothing is read or written any more, until it is released. */
  hold(): void
  release(): void
  /** Ends at once, dead ends too. */
  close(): void
}

export interface CarrierOptions {
  /** The server, with the path of its sockets. */
  readonly url: URL
  /** It reads no faster. */
  readonly bytesPerSecond: number | undefined
  /** A packet of Engine.IO: the bytes are gone when this returns. */
  packet(bytes: Buffer, from: number, end: number): void
  /** Once. */
  closed(reason: string): void
}

export type OpenCarrier = (options: CarrierOptions) => Carrier

/** With it, a server takes a client for a browser. */
export const userAgent =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'
