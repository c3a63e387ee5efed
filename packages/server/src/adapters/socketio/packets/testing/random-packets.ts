/** Packets and values by the seed: the same number makes the same ones. */

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** 0 ≤ x < 1: mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T
  }

  times<T>(max: number, make: () => T): T[] {
    return Array.from({ length: this.below(max + 1) }, make)
  }

  bytes(max: number): Uint8Array {
    return Uint8Array.from(this.times(max, () => this.below(256)))
  }
}

export interface RandomPacket {
  readonly namespace: string
  readonly id: number | undefined
  readonly name: string
  readonly args: unknown[]
}

/** An event that a client may send; `leaves` makes what JSON cannot hold. */
export function randomPacket(random: Random, leaves: readonly ((random: Random) => unknown)[]): RandomPacket {
  return {
    namespace: random.pick(['/', '/posts', '/notifications', '/a-b', '/ü']),
    id: random.pick([undefined, 0, random.below(1000), Number.MAX_SAFE_INTEGER]),
    name: random.pick(['post:created', 'a', '"quoted"\n', '0', 'connected', '東京', '__proto__']),
    args: random.times(4, () => randomValue(random, random.below(6), leaves)),
  }
}

function randomValue(
  random: Random,
  room: number,
  leaves: readonly ((random: Random) => unknown)[],
): unknown {
  const kind = random.below(room === 0 ? 6 : 10)
  if (kind === 0) return random.pick([null, true, false])
  if (kind <= 2) return randomNumber(random)
  if (kind <= 4) return randomText(random)
  if (kind === 5) return leaves.length === 0 ? random.below(9) : random.pick(leaves)(random)
  if (kind <= 7) return random.times(4, () => randomValue(random, room - 1, leaves))
  return Object.fromEntries(random.times(4, () => [randomKey(random), randomValue(random, room - 1, leaves)]))
}

function randomNumber(random: Random): number {
  const wide = random.pick([0, 31, 32, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32, 2 ** 53 - 1])
  const whole = wide + random.pick([0, 0, -1])
  // No whole numbers beyond: the stock encoder of MessagePack writes 2^64 and more as 0.
  return random.pick([whole, -whole || 0, random.next(), -random.next() * 1e12, 1e-300])
}

function randomText(random: Random): string {
  const unit = random.pick(['a', 'ü', '東', '😀', '"', '\\', '\u0000', '\u001e', '[', ',', '_placeholder'])
  return unit.repeat(random.pick([0, 1, 2, 11, 12, 13, 31, 32, 33, 255, 256, 1, 3]))
}

function randomKey(random: Random): string {
  return random.pick([
    'a',
    'b',
    'id',
    '7',
    '',
    'ü',
    'proto',
    'num',
    'toString',
    'a longer key than usual',
    '😀',
  ])
}
