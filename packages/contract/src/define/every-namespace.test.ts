/** What the engine itself sends and takes: as bounded as what applications define. */
import { describe, expect, expectTypeOf, it } from 'vitest'
import { errorCatalogue } from '../errors.ts'
import type { AnswerError } from './answers.ts'
import { checkCommand, checkEvent } from './checks.ts'
import { everyNamespace } from './every-namespace.ts'
import { type GoodbyeCode, goodbyes } from './goodbyes.ts'
import type { EveryNamespace } from './index.ts'
import { cursorLengthMax, formatCursor } from './meta.ts'
import type { CommandOutput, EventContract, EventData } from './namespace.ts'
import { namingMistakes } from './naming.ts'
import { isRoomRef, roomIdLengthMax } from './rooms.ts'

const { events, commands } = everyNamespace
const eventOf = (name: keyof typeof events): EventContract => events[name]

it('the engine names its events as everybody does', () => {
  expect(namingMistakes([{ ...everyNamespace, name: '/any' }])).toEqual([])
})

it('clients have the types of it without its schemas', () => {
  expectTypeOf<EventData<EveryNamespace, 'session:closing'>>().toEqualTypeOf<{
    code: GoodbyeCode
    message: string
    retry: boolean
    afterMs?: number | undefined
  }>()
  expectTypeOf<EventData<EveryNamespace, 'sync:reset'>['reason']>().toEqualTypeOf<
    'expired' | 'trimmed' | 'epoch-changed' | 'unknown-session' | 'not-authorised'
  >()
  expectTypeOf<EventData<EveryNamespace, 'command:rejected'>['error']['code']>().toEqualTypeOf<
    AnswerError['code']
  >()
  expectTypeOf<CommandOutput<EveryNamespace, 'room:join'>>().toEqualTypeOf<{ position: string }>()
})

describe('an event of the engine', () => {
  const longest = formatCursor({ epoch: 'zzzzzzz', offset: Number.MAX_SAFE_INTEGER })
  it.each([
    [
      'session:started',
      { pid: 'p', cursor: longest, recovered: false, reconnection: { delayMs: 0, maxDelayMs: 5000 } },
    ],
    ['sync:reset', { reason: 'expired' }],
    ['sync:recovered', { events: 0 }],
    ['room:lost', { rooms: [{ kind: 'team', id: 'core' }] }],
    ['session:warning', { code: 'too_many_requests', message: 'Wait a second.' }],
    ['session:closing', { code: 'kicked', message: goodbyes.kicked.sentence, retry: false }],
    ['session:closing', { code: 'shutting_down', message: 'Back soon.', retry: true, afterMs: 2_000 }],
    [
      'command:rejected',
      {
        command: 'post:rename',
        error: {
          code: 'validation_failed',
          message: 'No.',
          retry: false,
          fields: [{ path: 'a', message: 'b' }],
        },
      },
    ],
    ['command:rejected', { command: '', error: { code: 'internal', message: '', retry: true } }],
  ] as const)('%s carries %j', (name, data) => {
    expect(checkEvent(eventOf(name))(data)).toEqual({ ok: true, value: data })
  })

  it.each([
    [
      'session:started',
      { pid: '', cursor: 'a.1', recovered: false, reconnection: { delayMs: 0, maxDelayMs: 1 } },
    ],
    [
      'session:started',
      {
        pid: 'p',
        cursor: 'x'.repeat(cursorLengthMax + 1),
        recovered: false,
        reconnection: { delayMs: 0, maxDelayMs: 1 },
      },
    ],
    [
      'session:started',
      { pid: 'p', cursor: 'a.1', recovered: false, reconnection: { delayMs: -1, maxDelayMs: 1 } },
    ],
    ['sync:reset', { reason: 'because' }],
    ['sync:reset', {}],
    ['sync:recovered', { events: -1 }],
    ['room:lost', { rooms: [] }],
    ['room:lost', { rooms: ['team:core'] }],
    ['session:warning', { code: 'x'.repeat(65), message: '' }],
    ['session:warning', { code: 'a', message: 'x'.repeat(501) }],
    ['session:closing', { code: 'unheard_of', message: '', retry: false }],
    ['command:rejected', { command: 'x'.repeat(129), error: { code: 'internal', message: '', retry: true } }],
    ['command:rejected', { command: 'a', error: { code: 'unheard_of', message: '', retry: true } }],
  ] as const)('%s does not carry %j', (name, data) => {
    expect(checkEvent(eventOf(name))(data).ok).toBe(false)
  })

  it('goes to one session, never to a room', () => {
    for (const { rooms, lane } of Object.values(events)) expect([rooms, lane]).toEqual([[], 'stream'])
  })
})

describe('room:join and room:leave', () => {
  it.each([
    [{ kind: 'workspace', id: 'a' }],
    [{ kind: 'a', id: '東京 / ü:' }],
    [{ kind: 'user', id: 'x'.repeat(roomIdLengthMax) }],
    [{ kind: 'user', id: 'x'.repeat(roomIdLengthMax + 1) }],
    [{ kind: 'x'.repeat(33), id: 'a' }],
    [{ kind: 'x'.repeat(32), id: 'a' }],
    [{ kind: 'User', id: 'a' }],
    [{ kind: 'user', id: '' }],
    [{ kind: 'user', id: 'a\nb' }],
    [{ kind: 'user', id: 'a\u007f' }],
    [{ kind: 'user\n', id: 'a' }],
    [{ kind: 'user', id: 7 }],
    [{ kind: 'user' }],
    ['user:a'],
    [null],
  ])('take %j as a room exactly if it is one', (room) => {
    for (const name of ['room:join', 'room:leave'] as const)
      expect(checkCommand(commands[name])({ room }).ok, name).toBe(isRoomRef(room))
  })

  it('take nothing deeper than that', () => {
    expect(checkCommand(commands['room:join'])({ room: { kind: 'a', id: 'b', more: {} } }).ok).toBe(false)
  })
})

describe('a goodbye', () => {
  it('is a word for programs and a sentence for people', () => {
    for (const [code, { sentence }] of Object.entries(goodbyes)) {
      expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
      expect(sentence).toMatch(/^[A-Z].*\.$/)
    }
  })

  it('[R10] brings back only those who were sent away by something that passes', () => {
    const comeBack = Object.entries(goodbyes).flatMap(([code, { retry }]) => (retry ? [code] : []))
    expect(comeBack).toEqual(['slow_reader', 'overloaded', 'unavailable', 'shutting_down'])
    expect(Object.keys(goodbyes)).toEqual(
      expect.arrayContaining(['kicked', 'token_expired', 'token_revoked', 'rate_limited', 'replaced']),
    )
  })

  it('agrees with the refusal of the same name, if there is one', () => {
    for (const [code, { retry }] of Object.entries(goodbyes)) {
      const refusal = errorCatalogue[code as keyof typeof errorCatalogue]
      if (refusal !== undefined) expect(retry, code).toBe(refusal.retry)
    }
  })
})
