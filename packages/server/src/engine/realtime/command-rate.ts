/**
 * How often one user may send commands, over all sessions (B-09, B-10). Time is cut into seconds: what is beyond
 * the limit of a second is refused; who is refused in several seconds in a row is closed and has to stay away.
 *
 *   calm → warned (first refusal) → refused, second after second → closed, away for the cool-down → calm
 */
export interface CommandRateLimits {
  readonly commandsPerSecond: number
  /** Refused seconds in a row after which the user's connections are closed. */
  readonly refusedSecondsMax: number
  readonly coolDownMs: number
}

export type CommandVerdict = 'accepted' | 'refused' | 'refused_with_warning' | 'abusive'

/** Users whose seconds are counted at once; beyond that, those that were idle longest are forgotten. */
const usersMax = 100_000

interface Count {
  second: number
  commands: number
  /** Seconds in a row with a refusal, the current one included. */
  refusedSeconds: number
}

export class CommandRate {
  readonly #limits: CommandRateLimits
  readonly #counts = new Map<string, Count>()
  readonly #coolingUntilMs = new Map<string, number>()

  constructor(limits: CommandRateLimits) {
    this.#limits = limits
  }

  /** `who` is a user, or a user and a command that has a limit of its own. */
  count(who: string, nowMs: number, perSecond = this.#limits.commandsPerSecond): CommandVerdict {
    const second = Math.floor(nowMs / 1_000)
    let count = this.#counts.get(who)
    if (count === undefined) {
      count = { second, commands: 0, refusedSeconds: 0 }
      this.#counts.set(who, count)
      this.#forgetOldest()
    }
    if (count.second !== second) {
      const wasRefusedJustBefore = count.second === second - 1 && count.commands > perSecond
      if (!wasRefusedJustBefore) count.refusedSeconds = 0
      count.second = second
      count.commands = 0
    }
    count.commands += 1
    if (count.commands <= perSecond) return 'accepted'
    if (count.commands > perSecond + 1) return 'refused'
    count.refusedSeconds += 1
    if (count.refusedSeconds >= this.#limits.refusedSecondsMax) return 'abusive'
    return count.refusedSeconds === 1 ? 'refused_with_warning' : 'refused'
  }

  coolDown(user: string, nowMs: number): void {
    this.#coolingUntilMs.set(user, nowMs + this.#limits.coolDownMs)
    this.#counts.delete(user)
  }

  /** Milliseconds for which the user has to stay away; 0: may come. */
  remainingCoolDownMs(user: string, nowMs: number): number {
    const untilMs = this.#coolingUntilMs.get(user)
    if (untilMs === undefined) return 0
    if (untilMs > nowMs) return untilMs - nowMs
    this.#coolingUntilMs.delete(user)
    return 0
  }

  /** To be called once in a while: forgets who is idle, so that memory follows those who are there. */
  forgetIdle(nowMs: number): void {
    const second = Math.floor(nowMs / 1_000)
    for (const [who, count] of this.#counts) if (count.second < second - 1) this.#counts.delete(who)
    for (const [user, untilMs] of this.#coolingUntilMs)
      if (untilMs <= nowMs) this.#coolingUntilMs.delete(user)
  }

  #forgetOldest(): void {
    if (this.#counts.size <= usersMax) return
    for (const who of this.#counts.keys()) {
      this.#counts.delete(who)
      return
    }
  }
}
