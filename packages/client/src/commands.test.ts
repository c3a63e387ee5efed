import { expect, it } from 'vitest'
import { CommandError } from './command-error.ts'
import { createCommands, portion, portionEveryMs, waitingMax } from './commands.ts'
import { createTestClock } from './testing/test-clock.ts'

interface Sent {
  readonly name: string
  readonly payload: object
  readonly answer: (answer: unknown) => void
}

function makeCommands() {
  const clock = createTestClock()
  const sent: Sent[] = []
  const errors: unknown[] = []
  const commands = createCommands({
    clock,
    onError: (error) => errors.push(error),
    send: (name, payload, answer) => sent.push({ name, payload, answer }),
  })
  return { clock, sent, errors, ...commands }
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    (error: unknown) => (error instanceof CommandError ? `${error.code} ${error.retry}` : error),
  )
const nameOf = ({ name }: Sent) => name

it('answers with the data, and with nothing where there is none', async () => {
  const { line, run, sent, clock } = makeCommands()
  line('up')
  const answers = [run('a:b', { n: 1 }), run('a:c', undefined)]
  expect(sent).toMatchObject([
    { name: 'a:b', payload: { n: 1 } },
    { name: 'a:c', payload: {} },
  ])
  sent[1]?.answer({ ok: true })
  sent[0]?.answer({ ok: true, data: { m: 2 } })
  expect(await Promise.all(answers)).toEqual([{ m: 2 }, undefined])
  expect(clock.timers).toBe(0)
})

it('rejects with what the server says', async () => {
  const { line, run, sent } = makeCommands()
  line('up')
  const answer = run('a:b', {})
  const error = {
    code: 'validation_failed',
    message: 'No.',
    retry: false,
    fields: [{ path: 'n', message: 'x' }],
  }
  sent[0]?.answer({ ok: false, error })
  await expect(answer).rejects.toMatchObject({ name: 'CommandError', ...error })
  await expect(answer).rejects.toBeInstanceOf(CommandError)
})

it.each([undefined, null, 'yes', {}, { ok: false }])('rejects with an answer of %j', async (given) => {
  const { line, run, sent } = makeCommands()
  line('up')
  const answer = run('a:b', {})
  sent[0]?.answer(given)
  expect(await codeOf(answer)).toBe('internal false')
})

it('rejects when there is no answer in time, and does not care for one that comes later', async () => {
  const { line, run, sent, clock } = makeCommands()
  line('up')
  const answers = [run('a:b', {}), run('a:b', {}, { timeoutMs: 50 }), run('a:b', {}, { key: 'k' })]
  const codes = answers.map(codeOf)
  clock.advance(49)
  expect(clock.timers).toBe(3)
  clock.advance(1)
  expect(clock.timers).toBe(2)
  expect(await codes[1]).toBe('timeout true')
  clock.advance(9_949)
  expect(clock.timers).toBe(2)
  clock.advance(1)
  expect(await codes[0]).toBe('timeout true')
  clock.advance(49_999)
  expect(clock.timers).toBe(1)
  clock.advance(1)
  expect(await codes[2]).toBe('timeout true')
  for (const { answer } of sent) answer({ ok: true })
})

it('ends a command with a key before the server forgets the key', async () => {
  const { line, run, clock } = makeCommands()
  line('up')
  const code = codeOf(run('a:b', {}, { key: 'k', timeoutMs: 10 * 60_000 }))
  clock.advance(4 * 60_000)
  expect(await code).toBe('timeout true')
})

it('with a key waits for a line as long as it is told to, and for an answer no longer than the key is known', async () => {
  const { line, run, sent, clock } = makeCommands()
  line('down')
  const codes = [Number.POSITIVE_INFINITY, 60 * 60_000, 60 * 60_000].map((timeoutMs, n) =>
    codeOf(run('a:b', {}, { key: `${n}`, timeoutMs })),
  )
  clock.advance(59 * 60_000)
  expect(clock.timers).toBe(3)
  line('up')
  clock.advance(30_000)
  line('down')
  clock.advance(30_000)
  expect(await Promise.all(codes.slice(1))).toEqual(['timeout true', 'timeout true'])
  line('up')
  // Counted from the first time that it was sent.
  clock.advance(3 * 60_000 - 1)
  expect([sent.length, clock.timers]).toEqual([4, 2])
  clock.advance(1)
  expect(await codes[0]).toBe('timeout true')
  expect(clock.timers).toBe(0)
})

it('makes a key for what is to be repeated, the same each time and another for each', async () => {
  const { line, run, sent } = makeCommands()
  line('down')
  const answers = [0, 1].map((n) => codeOf(run('a:b', { n }, { repeat: true })))
  answers.push(codeOf(run('a:b', {}, { repeat: true, key: 'own' })))
  expect(await codeOf(run('a:b', {}, { repeat: false }))).toBe('disconnected true')
  line('up')
  line('down')
  line('up')
  const keys = sent.map(({ payload }) => (payload as { _meta: { key: string } })._meta.key)
  expect(keys.slice(3)).toEqual(keys.slice(0, 3))
  expect(keys[2]).toBe('own')
  expect(new Set(keys).size).toBe(3)
  for (const key of keys.slice(0, 2)) expect(key).toMatch(/^\d+-\d+-\d+-\d+$/)
  for (const { answer } of sent.slice(3)) answer({ ok: true })
  expect(await Promise.all(answers)).toEqual(['answered', 'answered', 'answered'])
})

it('shows what waits, in order, until it is sent or given up', async () => {
  const { line, run, sent, clock, waiting, errors } = makeCommands()
  const seen: string[] = []
  waiting.subscribe(() => {
    seen.push(
      waiting
        .get()
        .map(({ name }) => name)
        .join(' '),
    )
    if (seen.length === 1) throw new Error('A subscriber failed.')
  })
  line('up')
  const codes = [codeOf(run('a:0', {}, { key: '0' }))]
  expect(seen).toEqual([])
  line('down')
  codes.push(codeOf(run('a:1', { n: 1 }, { key: '1' })))
  const giveUp = new AbortController()
  codes.push(codeOf(run('a:2', {}, { key: '2', signal: giveUp.signal })))
  expect(waiting.get()[1]).toEqual({ name: 'a:1', input: { n: 1 }, key: '1', since: clock.now() })
  expect(waiting.get()).toBe(waiting.get())
  giveUp.abort('no')
  line('coming')
  codes.push(codeOf(run('a:3', {})))
  line('up')
  for (const { answer } of sent.slice(1)) answer({ ok: true })
  expect(seen).toEqual(['a:0', 'a:0 a:1', 'a:0 a:1 a:2', 'a:0 a:1', 'a:0 a:1 a:3', ''])
  expect(await Promise.all(codes)).toEqual(['answered', 'answered', 'no', 'answered'])
  expect(errors).toEqual([new Error('A subscriber failed.')])
  line('down')
  for (let n = 0; n <= portion; n += 1) run(`b:${n}`, {}, { repeat: true }).catch(() => {})
  line('up')
  expect(waiting.get().map(({ name }) => name)).toEqual([`b:${portion}`])
  clock.advance(portionEveryMs)
  expect(waiting.get()).toEqual([])
  line('gone')
  expect(clock.timers).toBe(0)
})

it('without a key rejects at once while the line is down, or gone', async () => {
  const { line, run, sent, clock } = makeCommands()
  expect(await codeOf(run('a:b', {}))).toBe('disconnected false')
  expect(await codeOf(run('a:b', {}, { key: 'k' }))).toBe('disconnected false')
  line('down')
  expect(await codeOf(run('a:b', {}))).toBe('disconnected true')
  expect(sent).toEqual([])
  expect(clock.timers).toBe(0)
})

it('without a key waits while the line is coming for the first time, and no longer', async () => {
  const { line, run, sent, clock } = makeCommands()
  line('coming')
  const first = codeOf(run('a:b', {}))
  expect(sent).toEqual([])
  line('down')
  expect(await first).toBe('disconnected true')
  line('coming')
  const second = codeOf(run('a:c', {}))
  line('up')
  expect(sent.map(nameOf)).toEqual(['a:c'])
  sent[0]?.answer({ ok: true })
  expect(await second).toBe('answered')
  expect(clock.timers).toBe(0)
})

it('with a key waits for the line, and is sent again with the same key when it breaks', async () => {
  const { line, run, sent } = makeCommands()
  line('down')
  const answer = codeOf(run('a:b', { n: 1 }, { key: 'k' }))
  line('coming')
  expect(sent).toEqual([])
  line('up')
  line('down')
  line('coming')
  line('up')
  expect(sent).toMatchObject([0, 1].map(() => ({ payload: { n: 1, _meta: { key: 'k' } } })))
  sent[1]?.answer({ ok: true })
  expect(await answer).toBe('answered')
  line('down')
  line('up')
  expect(sent).toHaveLength(2)
})

it('without a key, what was sent is lost when the line breaks', async () => {
  const { line, run, sent, clock } = makeCommands()
  line('up')
  const code = codeOf(run('a:b', {}))
  line('down')
  expect(await code).toBe('disconnected true')
  line('up')
  expect(sent).toHaveLength(1)
  expect(clock.timers).toBe(0)
})

it('without a key, what was sent is lost when another line is to come at once', async () => {
  const { line, run, sent } = makeCommands()
  line('up')
  const codes = [run('a:b', {}), run('a:c', {}, { key: 'k' })].map(codeOf)
  line('coming')
  expect(await codes[0]).toBe('disconnected true')
  line('up')
  expect(sent.map(nameOf)).toEqual(['a:b', 'a:c', 'a:c'])
  sent[2]?.answer({ ok: true })
  expect(await codes[1]).toBe('answered')
})

it('rejects everything when the line is gone for good', async () => {
  const { line, run, clock } = makeCommands()
  line('up')
  const codes = [run('a:b', {}), run('a:b', {}, { key: 'k' })].map(codeOf)
  line('gone')
  expect(await Promise.all(codes)).toEqual(['disconnected false', 'disconnected false'])
  expect(clock.timers).toBe(0)
})

it(`lets ${waitingMax} wait, and refuses more`, async () => {
  const { line, run } = makeCommands()
  line('down')
  const codes = Array.from({ length: waitingMax + 1 }, (_, n) => codeOf(run('a:b', { n }, { key: `${n}` })))
  expect(await codes.at(-1)).toBe('too_many_requests true')
  line('gone')
  expect(new Set(await Promise.all(codes.slice(0, -1)))).toEqual(new Set(['disconnected false']))
})

it('sends what gathered in portions and in order, and what comes meanwhile after it', async () => {
  const { line, run, sent, clock } = makeCommands()
  line('down')
  const codes = Array.from({ length: portion * 2 + 1 }, (_, n) => codeOf(run(`a:${n}`, {}, { key: `${n}` })))
  line('up')
  expect(sent).toHaveLength(portion)
  codes.push(codeOf(run('a:late', {})))
  clock.advance(portionEveryMs - 1)
  expect(sent).toHaveLength(portion)
  clock.advance(1)
  expect(sent).toHaveLength(portion * 2)
  clock.advance(portionEveryMs)
  expect(sent.map(nameOf)).toEqual([...Array.from(codes.slice(0, -1), (_, n) => `a:${n}`), 'a:late'])
  codes.push(codeOf(run('a:later', {})))
  expect(sent.at(-1)?.name).toBe('a:later')
  line('gone')
  await Promise.all(codes)
  expect(clock.timers).toBe(0)
})

it('begins its portions anew on another line', async () => {
  const { line, run, sent, clock } = makeCommands()
  line('down')
  const codes = Array.from({ length: portion + 1 }, (_, n) => codeOf(run(`a:${n}`, {}, { key: `${n}` })))
  line('up')
  line('down')
  clock.advance(portionEveryMs * 2)
  expect(sent).toHaveLength(portion)
  line('up')
  expect(sent.slice(portion).map(nameOf)).toEqual(sent.slice(0, portion).map(nameOf))
  clock.advance(portionEveryMs)
  expect(sent).toHaveLength(portion * 2 + 1)
  line('gone')
  await Promise.all(codes)
})

it('gives up with the reason of the signal: before, while it waits, and after it was sent', async () => {
  const { line, run, sent, clock } = makeCommands()
  line('down')
  const early = AbortSignal.abort('early')
  const waiting = new AbortController()
  const running = new AbortController()
  const codes = [
    codeOf(run('a:0', {}, { key: '0', signal: early })),
    codeOf(run('a:1', {}, { key: '1', signal: waiting.signal })),
    codeOf(run('a:2', {}, { key: '2', signal: running.signal })),
  ]
  waiting.abort('waiting')
  line('up')
  expect(sent.map(nameOf)).toEqual(['a:2'])
  running.abort('running')
  expect(await Promise.all(codes)).toEqual(['early', 'waiting', 'running'])
  sent[0]?.answer({ ok: true })
  expect(clock.timers).toBe(0)
})

it('leaves no listener at a signal that lives on', async () => {
  const { line, run, sent } = makeCommands()
  line('up')
  const { signal } = new AbortController()
  const listening = new Set<unknown>()
  signal.addEventListener = (_type: string, listener: unknown) => void listening.add(listener)
  signal.removeEventListener = (_type: string, listener: unknown) => void listening.delete(listener)
  const answer = run('a:b', {}, { signal })
  expect(listening.size).toBe(1)
  sent[0]?.answer({ ok: true })
  await answer
  expect(listening.size).toBe(0)
})
