/** Who is let in when, on an event loop whose turns and times the test makes. */
import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../engine/testing/seeded-random.ts'
import { Admission, type AdmissionBounds, defaultAdmissionBounds, type Wanted } from './admission.ts'

describe('admission', () => {
  it('lets everybody in at once where there is time', () => {
    const loop = openLoop()
    for (let n = 0; n < 100; n += 1) {
      loop.come('connection', `c${n}`, 0.5)
      loop.come('session', `s${n}`, 0.5)
      loop.turn()
    }
    expect(loop.entered).toHaveLength(200)
    expect(loop.admission.counts).toMatchObject({ atOnce: 200, later: 0, waiting: 0, refused: 0 })
  })

  it('costs no turns where nobody comes', () => {
    const loop = openLoop()
    loop.come('connection', 'one', 1)
    loop.turn()
    expect(loop.isAwake).toBe(false)
    expect(loop.turns).toBe(1)
  })

  it('takes four milliseconds of a turn for newcomers, and the others wait for the next', () => {
    const loop = openLoop()
    for (let n = 0; n < 20; n += 1) loop.come('connection', String(n), 1)
    expect(loop.entered).toEqual(['0', '1', '2', '3'])
    expect(loop.admission.counts).toMatchObject({ waiting: 16, atOnce: 4 })
    loop.turn(10)
    expect(loop.entered).toHaveLength(8)
    loop.turn(10)
    expect(loop.entered).toHaveLength(12)
  })

  it('takes a millisecond where others need less, so that turns stay short', () => {
    const loop = openLoop()
    for (let n = 0; n < 20; n += 1) loop.come('connection', String(n), 0.5)
    expect(loop.entered).toHaveLength(8)
    loop.turn(0.1)
    expect(loop.entered).toHaveLength(10)
    loop.turn(2)
    expect(loop.entered).toHaveLength(14)
  })

  it('does not take the time of newcomers for that of others', () => {
    const loop = openLoop()
    for (let n = 0; n < 40; n += 1) loop.come('connection', String(n), 0.5)
    for (const _ of [1, 2, 3]) loop.turn(0)
    expect(loop.entered).toHaveLength(8 + 3 * 2)
  })

  it('goes on with one newcomer a turn, however dear', () => {
    const loop = openLoop()
    for (let n = 0; n < 5; n += 1) loop.come('connection', String(n), 50)
    for (let turn = 1; turn < 5; turn += 1) loop.turn(100)
    expect(loop.entered).toEqual(['0', '1', '2', '3', '4'])
  })

  it('lets nobody pass who comes later', () => {
    const loop = openLoop()
    for (let n = 0; n < 10; n += 1) loop.come('connection', String(n), 2)
    loop.turn()
    loop.come('connection', 'late', 0.1)
    expect(loop.entered).not.toContain('late')
    loop.settle()
    expect(loop.entered).toEqual([...Array.from({ length: 10 }, (_, n) => String(n)), 'late'])
  })

  it('prefers those who have a connection already, and keeps nobody out by that', () => {
    const loop = openLoop()
    loop.come('connection', 'full', 4)
    for (let n = 0; n < 4; n += 1) loop.come('connection', `c${n}`, 1)
    for (let n = 0; n < 12; n += 1) loop.come('session', `s${n}`, 1)
    loop.settle()
    expect(loop.entered.slice(1)).toEqual(
      ['s0 s1 s2 c0', 's3 s4 s5 c1', 's6 s7 s8 c2', 's9 s10 s11 c3'].flatMap((row) => row.split(' ')),
    )
  })

  it('leaves out those who gave up, and their place costs nothing', () => {
    const loop = openLoop()
    const all = Array.from({ length: 20 }, (_, n) => loop.come('connection', String(n), 1))
    for (const newcomer of all.slice(4, 16)) newcomer.isGone = true
    loop.turn(10)
    expect(loop.entered).toEqual(['0', '1', '2', '3', '16', '17', '18', '19'])
    expect(loop.admission.counts).toMatchObject({ gone: 12, waiting: 0, waitingBytes: 0 })
  })

  it('refuses those for whom there is no room in the line', () => {
    const loop = openLoop({ waitingMax: 3 })
    for (let n = 0; n < 10; n += 1) loop.come('connection', String(n), 2)
    expect(loop.refused).toEqual(['5', '6', '7', '8', '9'])
    expect(loop.admission.counts).toMatchObject({ waiting: 3, refused: 5 })
    loop.settle()
    expect(loop.entered).toEqual(['0', '1', '2', '3', '4'])
  })

  it('bounds the line in bytes', () => {
    const loop = openLoop({ waitingBytesMax: 1_000 })
    loop.come('connection', 'full', 4)
    loop.come('connection', 'large', 1, 600)
    loop.come('connection', 'too large', 1, 600)
    loop.come('session', 'fits', 1, 400)
    expect(loop.refused).toEqual(['too large'])
    expect(loop.admission.counts.waitingBytes).toBe(1_000)
    loop.settle()
    expect(loop.admission.counts.waitingBytes).toBe(0)
    loop.come('connection', 'full again', 4)
    loop.come('connection', 'room again', 1, 1_000)
    expect(loop.refused).toEqual(['too large'])
  })

  it('refuses those who waited too long, and not those who came after them', () => {
    const loop = openLoop({ waitMsMax: 1_000 })
    loop.come('connection', 'full', 4)
    loop.come('connection', 'early', 1)
    loop.pass(900)
    loop.come('connection', 'late', 1)
    loop.turn(200)
    expect(loop.refused).toEqual(['early'])
    expect(loop.entered).toEqual(['full', 'late'])
    expect(loop.admission.counts.waitedMs).toBeGreaterThanOrEqual(200)
  })

  it('counts what those who waited have used of a turn, also when nobody waits any more', () => {
    const loop = openLoop()
    for (let n = 0; n < 7; n += 1) loop.come('connection', String(n), 1)
    loop.turn(10)
    expect(loop.entered).toHaveLength(7)
    for (const name of ['last with time', 'first without']) loop.come('connection', name, 1)
    expect(loop.entered.slice(7)).toEqual(['last with time'])
    loop.settle()
    expect(loop.entered.slice(8)).toEqual(['first without'])
    expect(loop.isAwake).toBe(false)
  })

  it('goes on behind one that fails', () => {
    const loop = openLoop()
    const mistake = new Error('on purpose')
    loop.come('connection', 'full', 4)
    loop.come('connection', 'broken', 1).fails = mistake
    loop.come('connection', 'next', 1)
    loop.turn(10)
    expect(loop.failures).toEqual([mistake])
    expect(loop.entered).toEqual(['full', 'next'])
  })

  it('lets whoever calls it have the mistake of one that did not wait', () => {
    const { admission, failures } = openLoop()
    const broken = () => {
      throw new Error('on purpose')
    }
    expect(() => admission.admit('connection', broken, () => fail())).toThrow('on purpose')
    expect(failures).toEqual([])
  })

  it('holds the door while somebody waits, and lets the next be read when nobody does', () => {
    const loop = openLoop()
    loop.come('connection', '0', 4)
    expect(loop.door.isHeld).toBe(false)
    loop.come('connection', '1', 4)
    expect(loop.door.isHeld).toBe(true)
    loop.door.waiting = 2
    loop.come('connection', '2', 4)
    loop.turn(10)
    // One of them waits still.
    expect(loop.door.waiting).toBe(2)
    loop.turn(10)
    expect(loop.door.waiting).toBe(1)
    expect(loop.isAwake).toBe(true)
    loop.settle()
    expect(loop.door).toMatchObject({ isHeld: false, waiting: 0 })
    expect(loop.isAwake).toBe(false)
  })

  it.each([1, 2, 3])('lets everybody in once and in order, whoever comes when: seed %i', (seed) => {
    const random = new SeededRandom(seed)
    const loop = openLoop()
    const came: Record<Wanted, string[]> = { connection: [], session: [] }
    for (let n = 0; n < 2_000; n += 1) {
      const wanted = random.chance(50) ? 'connection' : 'session'
      const newcomer = loop.come(wanted, `${wanted}${n}`, random.below(20) / 10)
      if (random.chance(10)) newcomer.isGone = true
      if (!newcomer.isGone || loop.entered.includes(newcomer.name)) came[wanted].push(newcomer.name)
      if (random.chance(20)) loop.turn(random.below(30) / 10)
    }
    loop.settle()
    for (const wanted of ['connection', 'session'] as const)
      expect(loop.entered.filter((name) => name.startsWith(wanted))).toEqual(came[wanted])
    expect(loop.admission.counts).toMatchObject({ waiting: 0, waitingBytes: 0, refused: 0 })
    const { atOnce, later, gone } = loop.admission.counts
    expect(atOnce + later + gone).toBe(2_000)
  })
})

class TestNewcomer {
  readonly name: string
  readonly bytes: number
  isGone = false
  fails: Error | undefined
  readonly #loop: { entered: string[]; refused: string[]; pass(ms: number): void }
  readonly #tookMs: number

  constructor(
    loop: { entered: string[]; refused: string[]; pass(ms: number): void },
    name: string,
    tookMs: number,
    bytes: number,
  ) {
    this.#loop = loop
    this.name = name
    this.#tookMs = tookMs
    this.bytes = bytes
  }

  enter(): void {
    this.#loop.pass(this.#tookMs)
    if (this.fails !== undefined) throw this.fails
    this.#loop.entered.push(this.name)
  }

  refuse(): void {
    this.#loop.refused.push(this.name)
  }
}

function openLoop(bounds: Partial<AdmissionBounds> = {}) {
  let nowMs = 1_000
  let next: (() => void) | undefined
  const door = {
    waiting: 0,
    isHeld: false,
    hold() {
      door.isHeld = true
    },
    release() {
      door.waiting = Math.max(0, door.waiting - 1)
      door.isHeld = door.waiting > 0
      return door.isHeld
    },
  }
  const failures: unknown[] = []
  const entered: string[] = []
  const refused: string[] = []
  const admission = new Admission({
    bounds: { ...defaultAdmissionBounds, ...bounds },
    door,
    failed: (error) => failures.push(error),
    turns: {
      now: () => nowMs,
      next(action) {
        if (next !== undefined) throw new Error('A turn ends once.')
        next = action
      },
    },
  })
  const pass = (ms: number) => {
    nowMs += ms
  }
  return {
    admission,
    door,
    failures,
    entered,
    refused,
    pass,
    turns: 0,
    get isAwake() {
      return next !== undefined
    },
    come(wanted: Wanted, name: string, tookMs: number, bytes = 100): TestNewcomer {
      const newcomer = new TestNewcomer({ entered, refused, pass }, name, tookMs, bytes)
      admission.admit(
        wanted,
        () => newcomer.enter(),
        () => newcomer,
      )
      return newcomer
    },
    /** Others do their work for so long, and the turn ends. */
    turn(othersMs = 0): void {
      pass(othersMs)
      const action = next
      next = undefined
      if (action !== undefined) this.turns += 1
      action?.()
    },
    /** Turns, until nothing is to be done any more. */
    settle(): void {
      for (let turn = 0; next !== undefined; turn += 1) {
        if (turn > 10_000) throw new Error('It never rests.')
        this.turn()
      }
    },
  }
}

function fail(): never {
  throw new Error('Nobody waits here.')
}
