/** Ids that nobody can guess, without asking the operating system for each: 10,000 connects need 80,000 of them. */
export interface IdSource {
  /** 96 bits: which session. */
  sessionId(): string
  /** 144 bits: whoever knows it may continue the session. */
  pid(): string
}

/** Some 1,000 ids are cut out of one piece of randomness. */
const poolBytes = 16_384

export function createIdSource(randomBytes: (count: number) => Buffer): IdSource {
  let pool: Buffer = Buffer.alloc(0)
  let used = 0
  const take = (count: number): string => {
    if (used + count > pool.length) {
      pool = randomBytes(poolBytes)
      used = 0
    }
    used += count
    return pool.toString('base64url', used - count, used)
  }
  return { sessionId: () => take(12), pid: () => take(18) }
}
