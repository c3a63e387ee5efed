/**
 * A client at the level of the wire that comes back as `socket.io-client` does: it keeps its pid and the string that the
 * last event ended in, sends both when it returns, waits as long between its attempts, answers pings, and gives up a line
 * on which none come.
 *
 *   waiting (its back-off) → connecting (CONNECT is sent) → in → waiting …, and from each → over
 */
import type { CutOptions } from '../faults/fault-line.ts'
import type { Random } from '../random.ts'
import { later } from '../real-time.ts'
import { type BackOffOptions, waitMs } from './back-off.ts'
import type { Carrier, OpenCarrier } from './carrier.ts'
import { type EventReader, openPacket } from './event-reader.ts'
import { sharedMs } from './shared-clock.ts'

/** What all clients of a fleet share. */
export interface WireClientHost {
  readonly url: URL
  readonly namespace: string
  readonly backOff: BackOffOptions
  /** A server that takes the connection and says nothing is waited for so long. */
  readonly connectTimeoutMs: number
  readonly events: EventReader
  auth(client: WireClient): object
  entered(client: WireClient): void
  /** An event that was published with a number. */
  received(client: WireClient, event: number, publishedAtMs: number): void
  /** Whatever else the server tells. */
  told(client: WireClient, name: string, data: unknown, cursor: string | undefined): void
  lost(client: WireClient, reason: string): void
  /** It was sent away, or refused: a stock client stays away then. */
  dismissed(client: WireClient, reason: string, wasIn: boolean): void
}

/** One coming back, in milliseconds of the shared clock; 0: not yet. */
export interface Return {
  readonly client: number
  readonly lostAtMs: number
  /** Its line was whole again; 0 if it was never broken by the fleet. */
  mendedAtMs: number
  /** Its first attempt over a whole line began. */
  attemptAtMs: number
  connectAtMs: number
  enteredAtMs: number
  /** The last event came that had been published before it was let in. */
  caughtUpAtMs: number
  attempts: number
  /** Events that had been published before it was let in. */
  replayed: number
  recovered: boolean
}

export interface WireClientOptions {
  readonly index: number
  readonly host: WireClientHost
  readonly open: OpenCarrier
  readonly random: Random
  readonly bytesPerSecond: number | undefined
}

/** Ends that the server was not told of. */
const deadEndsMax = 4
/** Of a trailing string; a cursor has 24 characters at most, and stock servers say 20. */
export const trailingBytesMax = 64

export class WireClient {
  readonly index: number
  readonly #host: WireClientHost
  readonly #open: OpenCarrier
  readonly #random: Random
  readonly #bytesPerSecond: number | undefined
  /** What it keeps over its connections. */
  pid: string | undefined
  readonly trailing = Buffer.alloc(trailingBytesMax)
  trailingLength = 0
  state: 'waiting' | 'connecting' | 'in' | 'over' = 'waiting'
  line: 'whole' | 'cut' | 'held' = 'whole'
  /** While it comes back, and until it is lost again. */
  comingBack: Return | undefined
  #carrier: Carrier | undefined
  #deadEnds: Carrier[] = []
  #tries = 0
  #stopWaiting: () => void = () => undefined
  #silentFromMs = 0
  #silenceMsMax = Number.POSITIVE_INFINITY

  constructor({ index, host, open, random, bytesPerSecond }: WireClientOptions) {
    this.index = index
    this.#host = host
    this.#open = open
    this.#random = random
    this.#bytesPerSecond = bytesPerSecond
  }

  /** Now; or when its line is mended, if nothing comes through. */
  connect(): void {
    this.#stopWaiting()
    if (this.state === 'over') return
    if (this.comingBack !== undefined) {
      this.comingBack.attempts += 1
      if (this.line === 'whole' && this.comingBack.attemptAtMs === 0) this.comingBack.attemptAtMs = sharedMs()
    }
    if (this.line === 'cut') {
      this.#failed()
      return
    }
    this.state = 'connecting'
    this.#silenceMsMax = Number.POSITIVE_INFINITY
    // A line that is held takes a connection, and says nothing.
    if (this.line === 'whole') this.#openCarrier()
    this.#stopWaiting = later(this.#host.connectTimeoutMs, () => {
      this.#carrier?.close()
      this.#lost('no answer')
    })
  }

  /** Also what it opens is refused, until `mend`. */
  cut(options: CutOptions): void {
    this.line = 'cut'
    const carrier = this.#carrier
    if (carrier !== undefined) {
      if (options.told === 'client') this.#leaveDead(carrier)
      carrier.cut(options)
    } else if (this.state === 'connecting') this.#lost('its line was cut')
  }

  hold(): void {
    this.line = 'held'
    this.#carrier?.hold()
  }

  mend(): void {
    const wasHeld = this.line === 'held'
    this.line = 'whole'
    if (this.comingBack !== undefined && this.comingBack.mendedAtMs === 0)
      this.comingBack.mendedAtMs = sharedMs()
    if (!wasHeld) return
    this.#carrier?.release()
    if (this.state === 'connecting' && this.#carrier === undefined) this.connect()
  }

  /** For good, without a word. */
  close(): void {
    this.state = 'over'
    this.#stopWaiting()
    this.#carrier?.close()
    this.#carrier = undefined
    for (const end of this.#deadEnds.splice(0)) end.close()
  }

  /** Gives up a line on which no ping comes. */
  lookForSilence(nowMs: number): void {
    if (this.#carrier === undefined || nowMs - this.#silentFromMs < this.#silenceMsMax) return
    this.#carrier.close()
    this.#lost('no ping came')
  }

  #leaveDead(carrier: Carrier): void {
    this.#deadEnds.push(carrier)
    if (this.#deadEnds.length > deadEndsMax) this.#deadEnds.shift()?.close()
  }

  #openCarrier(): void {
    const carrier = this.#open({
      url: this.#host.url,
      bytesPerSecond: this.#bytesPerSecond,
      packet: (bytes, from, end) => this.#packet(bytes, from, end),
      closed: (reason) => {
        if (this.#carrier === carrier) this.#lost(reason)
      },
    })
    this.#carrier = carrier
  }

  #lost(reason: string): void {
    if (this.state === 'over') return
    const wasIn = this.state === 'in'
    this.#carrier = undefined
    if (wasIn) {
      this.comingBack = {
        client: this.index,
        lostAtMs: sharedMs(),
        mendedAtMs: 0,
        attemptAtMs: 0,
        connectAtMs: 0,
        enteredAtMs: 0,
        caughtUpAtMs: 0,
        attempts: 0,
        replayed: 0,
        recovered: false,
      }
      this.#host.lost(this, reason)
    }
    this.#failed()
  }

  #failed(): void {
    this.state = 'waiting'
    const wait = waitMs(this.#host.backOff, this.#tries, this.#random)
    this.#tries += 1
    this.#stopWaiting()
    this.#stopWaiting = later(wait, () => this.connect())
  }

  #packet(bytes: Buffer, from: number, end: number): void {
    const type = bytes[from]
    if (type === openPacket.message) this.#message(bytes, from + 1, end)
    else if (type === openPacket.ping) {
      this.#silentFromMs = sharedMs()
      this.#carrier?.send('3')
    } else if (type === openPacket.open) this.#handshake(bytes.toString('utf8', from + 1, end))
    else if (type === openPacket.close) this.#lost('closed by the server')
  }

  #handshake(text: string): void {
    const { pingInterval, pingTimeout } = JSON.parse(text) as { pingInterval: number; pingTimeout: number }
    this.#silentFromMs = sharedMs()
    this.#silenceMsMax = pingInterval + pingTimeout
    // Connected, for the back-off of a stock client, whatever the namespace answers.
    this.#tries = 0
    if (this.comingBack !== undefined) this.comingBack.connectAtMs = sharedMs()
    const kept =
      this.pid === undefined
        ? {}
        : { pid: this.pid, ...(this.trailingLength > 0 ? { offset: this.lastString() } : {}) }
    const { namespace } = this.#host
    const before = namespace === '/' ? '' : `${namespace},`
    this.#carrier?.send(`40${before}${JSON.stringify({ ...kept, ...this.#host.auth(this) })}`)
  }

  lastString(): string {
    return this.trailing.toString('latin1', 0, this.trailingLength)
  }

  #message(bytes: Buffer, from: number, end: number): void {
    const { events } = this.#host
    if (events.read(this, bytes, from, end)) {
      this.#received(events.event, events.publishedAtMs)
      return
    }
    const packet = events.parse(bytes.toString('utf8', from, end))
    if (packet.type === 'connect') this.#entered(packet.pid)
    else if (packet.type === 'event') {
      if (packet.trailing !== undefined) this.trailingLength = this.trailing.write(packet.trailing, 'latin1')
      this.#host.told(this, packet.name, packet.data, packet.trailing)
    } else if (packet.type === 'dismissed') {
      const wasIn = this.state === 'in'
      this.state = 'over'
      this.#stopWaiting()
      this.#host.dismissed(this, packet.reason, wasIn)
      this.#carrier?.close()
    }
  }

  #entered(pid: string | undefined): void {
    this.#stopWaiting()
    this.state = 'in'
    const { comingBack } = this
    if (comingBack !== undefined) {
      comingBack.enteredAtMs = sharedMs()
      comingBack.recovered = pid !== undefined && pid === this.pid
      // A server may send what was missed before it lets somebody in.
      comingBack.caughtUpAtMs = comingBack.enteredAtMs
    }
    this.pid = pid
    this.#host.entered(this)
  }

  #received(event: number, publishedAtMs: number): void {
    const { comingBack } = this
    if (
      comingBack !== undefined &&
      (comingBack.enteredAtMs === 0 || publishedAtMs < comingBack.enteredAtMs)
    ) {
      comingBack.replayed += 1
      comingBack.caughtUpAtMs = sharedMs()
    }
    this.#host.received(this, event, publishedAtMs)
  }
}
