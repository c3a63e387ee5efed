/**
 * Passwords as they are stored: hashed by scrypt, with the parameters in front, so that they can be raised later.
 * Comparing takes as long whether the user exists or not.
 */
import { scrypt, timingSafeEqual } from 'node:crypto'
import { Refusal } from '@belfry/contract'

export interface ScryptCost {
  /** Of the cost, as a power of two: memory is 1 KiB times two to this. */
  readonly log2n: number
  readonly blockSize: number
  readonly parallel: number
}

export interface Passwords {
  hash(password: string): Promise<string>
  /** `outdated`: right, and to be hashed anew. Without a stored hash it is wrong, after the same work. */
  compare(password: string, stored: string | undefined): Promise<'right' | 'outdated' | 'wrong'>
}

/** 32 MiB and about 0.2 s: an equivalent of OWASP's first choice with a quarter of its memory. */
export const defaultCost: ScryptCost = { log2n: 15, blockSize: 8, parallel: 3 }

/** Hashes under way: each takes one of Node's four threads, and files and names need some as well. */
const underWayMax = 2
/** Those that wait for their turn: five seconds of work. Beyond, whoever comes is to come later. */
const waitingMax = 50

export function createPasswords({
  cost = defaultCost,
  randomBytes,
}: {
  readonly cost?: ScryptCost
  randomBytes(count: number): Buffer
}): Passwords {
  const inTurn = createTurns()
  // What nobody's password is compared with.
  const nobodys = { ...cost, salt: randomBytes(saltBytes), hash: randomBytes(hashBytes) }

  return {
    async hash(password) {
      const salt = randomBytes(saltBytes)
      const hash = await inTurn(() => derive(password, salt, cost))
      const { log2n, blockSize, parallel } = cost
      return [
        'scrypt',
        log2n,
        blockSize,
        parallel,
        salt.toString('base64url'),
        hash.toString('base64url'),
      ].join('$')
    },
    async compare(password, stored) {
      const known = stored === undefined ? undefined : parse(stored)
      const expected = known ?? nobodys
      const given = await inTurn(() => derive(password, expected.salt, expected))
      const isRight = timingSafeEqual(given, expected.hash)
      if (!isRight || known === undefined) return 'wrong'
      return sameCost(known, cost) ? 'right' : 'outdated'
    },
  }
}

const saltBytes = 16
const hashBytes = 32

function derive(password: string, salt: Buffer, { log2n, blockSize, parallel }: ScryptCost): Promise<Buffer> {
  const N = 2 ** log2n
  const options = { N, r: blockSize, p: parallel, maxmem: 256 * N * blockSize }
  return new Promise((resolve, reject) => {
    // Keyboards spell one and the same letter in two ways.
    scrypt(password.normalize('NFKC'), salt, hashBytes, options, (error, hash) =>
      error === null ? resolve(hash) : reject(error),
    )
  })
}

const shape = /^scrypt\$(\d{1,2})\$(\d{1,3})\$(\d{1,3})\$([\w-]{22})\$([\w-]{43})$/

function parse(stored: string): (ScryptCost & { readonly salt: Buffer; readonly hash: Buffer }) | undefined {
  const [, log2n, blockSize, parallel, salt = '', hash = ''] = shape.exec(stored) ?? []
  if (log2n === undefined) return undefined
  return {
    log2n: Number(log2n),
    blockSize: Number(blockSize),
    parallel: Number(parallel),
    salt: Buffer.from(salt, 'base64url'),
    hash: Buffer.from(hash, 'base64url'),
  }
}

function sameCost(one: ScryptCost, other: ScryptCost): boolean {
  return one.log2n === other.log2n && one.blockSize === other.blockSize && one.parallel === other.parallel
}

function createTurns() {
  let underWay = 0
  const waiting: (() => void)[] = []
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (underWay < underWayMax) underWay += 1
    else {
      if (waiting.length >= waitingMax)
        throw new Refusal(
          'too_many_requests',
          'Too many people sign in at this moment. Try again in a few seconds.',
        )
      // Whoever ends hands its turn on.
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) underWay -= 1
      else next()
    }
  }
}
