/**
 * What every namespace has besides its own: the events and commands of the engine itself, defined as an application
 * defines its own, so that types, checks, documents and mocks of them come for nothing. An application cannot define
 * these names (`reservedNames`).
 *
 * It needs zod when it runs, so it is for the server and for documents; what a client wants of it are the types.
 */
import { z } from 'zod'
import { errorCatalogue } from '../errors.ts'
import { fieldsMax } from './checks.ts'
import { type GoodbyeCode, goodbyes } from './goodbyes.ts'
import { cursorLengthMax } from './meta.ts'
import { command, type NamespaceContract, stream } from './namespace.ts'
import { roomIdLengthMax, roomIdShape, roomKindShape } from './rooms.ts'

/** Sentences for people are short; more would be a log and not a sentence. In characters. */
const sentenceLengthMax = 500
const example = <Value>(value: Value) => ({ examples: [value] })

/** A code is a word for programs. */
const code = z.string().min(1).max(64).meta(example('too_many_requests'))
const sentence = z.string().max(sentenceLengthMax)
const cursor = z.string().min(1).max(cursorLengthMax).meta(example('k3f.1208'))

const roomReference = z.object({
  kind: z.string().regex(roomKindShape).meta(example('workspace')),
  id: z.string().min(1).max(roomIdLengthMax).regex(roomIdShape),
})

const answerError = z
  .object({
    code: z.enum(codesOf(errorCatalogue)),
    message: sentence,
    retry: z.boolean(),
    fields: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .max(fieldsMax)
      .optional(),
  })
  .meta(
    example({
      code: 'validation_failed' as const,
      message: errorCatalogue.validation_failed.sentence,
      retry: false,
      fields: [{ path: 'title', message: 'Too long: at most 200 characters.' }],
    }),
  )

/**
 * Sent by the engine to one session, in order with everything else, and never to a room. They are not in the log: what
 * they tell is true for one connection only.
 */
const toOneSession = { rooms: [] }

const events = {
  'session:started': stream(
    z.object({
      pid: z.string().min(1).max(64).meta(example('q8Zt1vXk0aBnWm3R')),
      cursor,
      recovered: z.boolean(),
      reconnection: z.object({
        delayMs: z.int().min(0).meta(example(1000)),
        maxDelayMs: z.int().min(0).meta(example(5000)),
      }),
    }),
    {
      ...toOneSession,
      summary:
        'The first event of a client that gets no cursor behind its events, or asks for it with `auth: { started: true }`: what it needs to recover later.',
    },
  ),
  'sync:reset': stream(
    z.object({
      reason: z.enum(['expired', 'trimmed', 'epoch-changed', 'unknown-session', 'not-authorised']),
    }),
    {
      ...toOneSession,
      summary: 'Something was missed and cannot be sent again: fetch the current state.',
    },
  ),
  'sync:recovered': stream(z.object({ events: z.int().min(0).meta(example(14)) }), {
    ...toOneSession,
    summary:
      'Everything that was missed has come, that many events, and live events follow; for clients that get `session:started`.',
  }),
  'room:lost': stream(z.object({ rooms: z.array(roomReference).min(1).max(1_000) }), {
    ...toOneSession,
    summary: 'The client is not in these rooms any more: it may not be there.',
  }),
  'session:warning': stream(z.object({ code, message: sentence }), {
    ...toOneSession,
    summary: 'Something about this session needs attention, and nothing was ended.',
  }),
  'session:closing': stream(
    z
      .object({
        code: z.enum(codesOf(goodbyes)),
        message: sentence,
        retry: z.boolean(),
        afterMs: z.int().min(0).max(3_600_000).optional(),
      })
      .meta({
        examples: Object.entries(goodbyes).map(([each, row]) => ({
          code: each as GoodbyeCode,
          message: row.sentence,
          retry: row.retry,
        })),
      }),
    {
      ...toOneSession,
      summary:
        'The connection ends after this event; `retry` says whether to come back, and `afterMs` when, if there is a better time than now.',
    },
  ),
  'command:rejected': stream(
    z.object({
      command: z.string().max(128).meta(example('post:rename')),
      error: answerError,
    }),
    {
      ...toOneSession,
      summary: 'A command that was sent without asking for an answer was refused, and changed nothing.',
    },
  ),
}

const commands = {
  'room:join': command({
    summary: 'Enters a room; events of the room after `position` arrive.',
    input: z.object({ room: roomReference }),
    output: z.object({ position: cursor }),
    depthMax: 2,
  }),
  'room:leave': command({
    summary: 'Leaves a room.',
    input: z.object({ room: roomReference }),
    depthMax: 2,
  }),
}

/** `/*` is the name of no namespace: it stands for all of them. */
export const everyNamespace: NamespaceContract<'/*', typeof events, typeof commands> = {
  name: '/*',
  summary: 'Events and commands of the engine, on every namespace.',
  durable: false,
  log: {},
  permission: undefined,
  events,
  commands,
}

export type EveryNamespace = typeof everyNamespace

function codesOf<Code extends string>(table: Readonly<Record<Code, unknown>>): [Code, ...Code[]] {
  return Object.keys(table) as [Code, ...Code[]]
}
