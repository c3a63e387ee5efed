/** The AsyncAPI document: true to the contract, and valid for every tool that reads AsyncAPI 3.0. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { bytes } from './bytes.ts'
import { asyncApi } from './documents.ts'
import { everyNamespace } from './every-namespace.ts'
import type { Json } from './json-schema.ts'
import { command, defineNamespace, latest, type NamespaceContract, pulse, stream } from './namespace.ts'

const jobs = defineNamespace({
  name: '/jobs',
  summary: 'Work that takes a while.',
  durable: true,
  permission: 'jobs:read',
  events: {
    'job:created': stream(z.object({ jobId: z.string(), note: z.string().optional() }), {
      summary: 'A job was made.',
      rooms: ['user', 'workspace'],
    }),
    'job:ended': stream(z.object({ how: z.enum(['done', 'failed']).default('done') }), {
      summary: 'It is over.',
      rooms: ['job'],
      by: 'server',
    }),
    'job:progress': latest(z.object({ jobId: z.string(), progress: z.number().min(0).max(100) }), {
      summary: 'How far it is.',
      rooms: ['job'],
      permission: 'jobs:watch',
      key: ({ jobId }) => jobId,
      batch: { windowMs: 50, countMax: 20 },
    }),
  },
  commands: {
    'job:cancel': command({
      summary: 'Stops a job.',
      input: z.object({ jobId: z.string() }),
      permission: 'jobs:write',
      ratePerSecond: 5,
      depthMax: 1,
    }),
    'job:list': command({
      summary: 'The jobs of a user.',
      input: z.object({ limit: z.number().int().default(20) }),
      output: z.object({ jobs: z.array(z.string()) }),
    }),
    'job:count': command({ summary: 'How many there are.' }),
  },
})
const about = { title: 'Belfry', version: '0.1.0', host: 'localhost:3000' }
const document = asyncApi([jobs], about)

const at = (pointer: string, root: Json = document): Json =>
  pointer.split('/').reduce<unknown>((node, key) => (node as Json)[key], root) as Json
const messageOf = (id: string, root?: Json) => at(`channels/jobs/messages/${id}`, root)

describe('the AsyncAPI document', () => {
  it('describes every event and command, seen from the server', () => {
    const operations = Object.entries(at('operations') as Record<string, Json>)
    const rows = operations.map(([id, { action, reply }]) => [id, action, reply !== undefined])
    expect(rows.filter(([id]) => String(id).startsWith('jobs.'))).toEqual([
      ['jobs.event.job.created', 'send', false],
      ['jobs.event.job.ended', 'send', false],
      ['jobs.event.job.progress', 'send', false],
      ['jobs.command.job.cancel', 'receive', true],
      ['jobs.command.job.list', 'receive', true],
      ['jobs.command.job.count', 'receive', true],
    ])
  })

  it('says what travels: payloads with _meta, inputs as they are sent, answers as they come back', () => {
    expect(messageOf('event.job.created')['payload']).toMatchObject({
      type: 'object',
      required: ['jobId'],
      properties: { jobId: { type: 'string' }, _meta: { required: ['id', 'at'] } },
    })
    // A default is filled in by the server: who listens gets it, and who sends may leave it out.
    expect(messageOf('event.job.ended')['payload']).toMatchObject({ required: ['how'] })
    expect(messageOf('command.job.list')['payload']).not.toHaveProperty('required')
    expect(messageOf('answer.job.list')['payload']).toMatchObject({
      oneOf: [{ required: ['ok', 'data'] }, { $ref: '#/components/schemas/Refusal' }],
    })
    expect(messageOf('answer.job.cancel')['payload']).toMatchObject({ oneOf: [{ required: ['ok'] }, {}] })
    expect(messageOf('command.job.count')['payload']).toEqual({ type: 'object' })
    expect(at('components/schemas/Refusal/properties/error')).toMatchObject({
      required: ['code', 'message', 'retry'],
      properties: { code: { enum: expect.arrayContaining(['validation_failed', 'internal']) } },
    })
  })

  it('says how it travels, who may have it and what its limits are', () => {
    expect(at('channels/jobs')).toMatchObject({
      address: '/jobs',
      summary: 'Work that takes a while.',
      description: 'Needs the permission `jobs:read`.',
      'x-belfry': { durable: true, permission: 'jobs:read' },
    })
    expect(messageOf('event.job.created')['x-belfry']).toEqual({
      lane: 'stream',
      rooms: ['user', 'workspace'],
      maxBytes: 16_384,
    })
    expect(messageOf('event.job.progress')['x-belfry']).toEqual({
      lane: 'latest',
      rooms: ['job'],
      maxBytes: 16_384,
      permission: 'jobs:watch',
      batch: { windowMs: 50, countMax: 20 },
    })
    expect(messageOf('event.job.ended')['x-belfry']).toMatchObject({ lane: 'stream', by: 'server' })
    expect(messageOf('command.job.cancel')['x-belfry']).toEqual({
      maxBytes: 65_536,
      depthMax: 1,
      permission: 'jobs:write',
      ratePerSecond: 5,
    })
    expect(messageOf('command.job.list')['x-belfry']).toEqual({ maxBytes: 65_536, depthMax: 8 })
  })

  it('shows an example of each, the same every time', () => {
    const examplesOf = (id: string) => messageOf(id)['examples'] as { payload: Json }[]
    expect(examplesOf('event.job.created')).toEqual([
      {
        payload: {
          jobId: expect.stringMatching(/^job_/),
          _meta: { id: expect.stringMatching(/^\w+\.\d+$/), at: expect.stringMatching(/Z$/) },
        },
      },
    ])
    expect(examplesOf('command.job.cancel')).toEqual([{ payload: { jobId: expect.any(String) } }])
    expect(examplesOf('command.job.count')).toEqual([{ payload: {} }])
    expect(asyncApi([jobs], about)).toEqual(document)
  })

  it('is without an example where only its author knows one', () => {
    const secret = z.object({ id: z.string() }).refine(({ id }) => id === 'open sesame')
    const caves = defineNamespace({
      name: '/jobs',
      summary: '',
      events: {
        'cave:opened': stream(secret, { summary: '', rooms: ['user'] }),
        'cave:closed': stream(secret.meta({ examples: [{ id: 'open sesame' }] }), {
          summary: '',
          rooms: ['user'],
        }),
      },
      commands: {},
    })
    const described = asyncApi([caves], about)
    expect(messageOf('event.cave.opened', described)).not.toHaveProperty('examples')
    expect(messageOf('event.cave.closed', described)['examples']).toMatchObject([
      { payload: { id: 'open sesame' } },
    ])
  })

  it('tells once what every namespace has', () => {
    const other = defineNamespace({ name: '/other', summary: '', events: {}, commands: {} })
    const both = asyncApi([jobs, other], about)
    const common = at('channels/every_namespace', both)
    expect(common).toMatchObject({
      address: '{namespace}',
      parameters: { namespace: { enum: ['/jobs', '/other'] } },
    })
    const names = Object.values(common['messages'] as Record<string, Json>).map(({ name }) => name)
    expect(new Set(names)).toEqual(
      new Set([...Object.keys(everyNamespace.events), ...Object.keys(everyNamespace.commands)]),
    )
    expect(JSON.stringify(both).split('"name":"sync:reset"')).toHaveLength(2)
    // They are for one session, and not in the log: no lane, no rooms.
    expect(at('channels/every_namespace/messages/event.sync.reset/x-belfry', both)).toEqual({
      maxBytes: 16_384,
    })
    expect(
      at('channels/every_namespace/messages/event.sync.reset/payload/properties/reason', both),
    ).toMatchObject({
      enum: expect.arrayContaining(['trimmed']),
    })
  })
})

describe('the rules of AsyncAPI 3.0', () => {
  interface Tree {
    readonly name: string
    readonly children?: readonly Tree[] | undefined
  }
  const tree: z.ZodType<Tree> = z.object({
    name: z.string(),
    children: z.array(z.lazy(() => tree)).optional(),
  })
  const place = z.object({ x: z.number(), y: z.number() }).meta({ id: 'a place/of ~ours' })
  const shape = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('dot'), at: place }),
    z.object({ kind: z.literal('line'), ends: z.tuple([place, place]), raw: bytes({ maxBytes: 64 }) }),
  ])
  const some = { summary: 'Some.', rooms: ['user'] }
  const odd = defineNamespace({
    name: '/',
    summary: 'What is odd.',
    events: {
      'tree:grown': stream(tree as z.ZodType<Tree> & typeof place, some),
      'forest:grown': stream(z.object({ forest: z.array(tree) }), some),
      'shape:drawn': pulse(shape, some),
      'presence:online:list': stream(z.record(z.string(), place), some),
      'a.b': stream(place, some),
      a_2e_b: stream(place, some),
      'a:b': stream(place, some),
      'ä €/~%{}': stream(place, some),
      constructor: stream(place, some),
    },
    commands: {
      authenticate: command({ summary: 'Takes no input.' }),
      'tree:plant': command({ summary: 'Plants.', input: z.object({ tree }), output: z.object({ tree }) }),
      'place:find': command({ summary: 'Finds.', input: z.object({ near: place }), output: z.array(place) }),
    },
  })
  const deep = defineNamespace({ name: '/a/b_c', summary: 'Deep.', events: {}, commands: {} })
  const dotted = defineNamespace({ name: '/a.b', summary: 'Dotted.', events: {}, commands: {} })
  const all: NamespaceContract[] = [jobs, odd, deep, dotted]
  const whole = asyncApi(all, about)

  const entriesAt = (pointer: string) => Object.entries(at(pointer, whole) as Record<string, Json>)
  const channels = entriesAt('channels')
  const operations = entriesAt('operations')
  const messages = channels.flatMap(([channel, { messages: own }]) =>
    Object.entries(own as Record<string, Json>).map(([id, message]) => ({ channel, id, message })),
  )
  const referenceOf = (value: unknown) => (value as { $ref: string }).$ref

  /** Fixed fields, from the specification; `x-` fields may stand anywhere. */
  const fields = {
    document: [
      'asyncapi',
      'id',
      'info',
      'servers',
      'defaultContentType',
      'channels',
      'operations',
      'components',
    ],
    info: ['title', 'version', 'description', 'termsOfService', 'contact', 'license', 'tags', 'externalDocs'],
    server: [
      'host',
      'protocol',
      'protocolVersion',
      'pathname',
      'description',
      'title',
      'summary',
      'variables',
    ],
    channel: ['address', 'messages', 'title', 'summary', 'description', 'servers', 'parameters', 'tags'],
    parameter: ['enum', 'default', 'description', 'examples', 'location'],
    operation: [
      'action',
      'channel',
      'title',
      'summary',
      'description',
      'security',
      'tags',
      'messages',
      'reply',
    ],
    reply: ['address', 'channel', 'messages'],
    message: ['headers', 'payload', 'correlationId', 'contentType', 'name', 'title', 'summary', 'examples'],
    example: ['headers', 'payload', 'name', 'summary'],
  }
  const expectFields = (value: unknown, allowed: readonly string[]) => {
    for (const key of Object.keys(value as object)) if (!key.startsWith('x-')) expect(allowed).toContain(key)
  }

  it('nothing in it is lost as JSON', () => {
    expect(JSON.parse(JSON.stringify(whole))).toStrictEqual(whole)
  })

  it('every object has the fields it must have, and no others', () => {
    expect(whole).toMatchObject({ asyncapi: '3.0.0', info: { title: 'Belfry', version: '0.1.0' } })
    expectFields(whole, fields.document)
    expectFields(whole['info'], fields.info)
    for (const [, server] of entriesAt('servers')) {
      expectFields(server, fields.server)
      expect(server).toMatchObject({ host: 'localhost:3000', protocol: expect.any(String) })
    }
    for (const [, channel] of channels) expectFields(channel, fields.channel)
    for (const { message } of messages) {
      expectFields(message, fields.message)
      expect(message['payload']).toBeTypeOf('object')
      for (const example of (message['examples'] ?? []) as Json[]) {
        expectFields(example, fields.example)
        expect(example).toHaveProperty('payload')
      }
    }
    for (const [, operation] of operations) {
      expectFields(operation, fields.operation)
      expect(['send', 'receive']).toContain(operation['action'])
      if (operation['reply'] !== undefined) expectFields(operation['reply'], fields.reply)
    }
  })

  it('every id holds only letters, digits, dots, dashes and underscores', () => {
    const ids = [
      ...channels.map(([id]) => id),
      ...operations.map(([id]) => id),
      ...messages.map(({ id }) => id),
      ...entriesAt('components/schemas').map(([id]) => id),
    ]
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9._-]+$/)
  })

  it('no two names share an id', () => {
    expect(channels).toHaveLength(all.length + 1)
    const described = [...all, everyNamespace]
    const eventCount = described.reduce((sum, { events }) => sum + Object.keys(events).length, 0)
    const commandCount = described.reduce((sum, { commands }) => sum + Object.keys(commands).length, 0)
    expect(messages).toHaveLength(eventCount + 2 * commandCount)
    expect(operations).toHaveLength(eventCount + commandCount)
    expect(Object.keys(at('channels/_/messages', whole))).toEqual(
      expect.arrayContaining([
        'event.a.b',
        'event.a_2e_b',
        'event.constructor',
        'event.presence.online.list',
      ]),
    )
  })

  it('every reference leads to something within it', () => {
    let count = 0
    const visit = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return
      const { $ref } = node as Json
      if (typeof $ref === 'string') {
        count++
        expect($ref).toMatch(/^#\//)
        const keys = $ref
          .slice(2)
          .split('/')
          .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
        const target = keys.reduce<unknown>((inner, key) => (inner as Json | undefined)?.[key], whole)
        expect(target, $ref).toBeTypeOf('object')
      }
      for (const inner of Object.values(node)) visit(inner)
    }
    visit(whole)
    expect(count).toBeGreaterThan(60)
  })

  it('an operation is about messages of its own channel, and so is its reply', () => {
    const used = new Set<string>()
    for (const [, { channel, messages: own, reply }] of operations) {
      const parts = [{ channel, messages: own }, ...(reply === undefined ? [] : [reply as Json])]
      for (const part of parts) {
        const home = referenceOf(part['channel'])
        expect(home).toMatch(/^#\/channels\/[^/]+$/)
        for (const reference of (part['messages'] as unknown[]).map(referenceOf)) {
          expect(reference.startsWith(`${home}/messages/`)).toBe(true)
          used.add(reference)
        }
      }
    }
    // And none is left that nobody sends.
    expect(used).toEqual(new Set(messages.map(({ channel, id }) => `#/channels/${channel}/messages/${id}`)))
  })

  it('an address and its parameters agree', () => {
    for (const [, { address, parameters = {} }] of channels) {
      const inAddress = [...String(address).matchAll(/\{(.+?)\}/g)].map((match) => match[1])
      expect(Object.keys(parameters as object)).toEqual(inAddress)
      for (const parameter of Object.values(parameters as object)) expectFields(parameter, fields.parameter)
    }
  })

  it('payloads are in the dialect of its schema objects', () => {
    const text = JSON.stringify(whole)
    for (const later of ['$defs', 'prefixItems', '$schema', 'unevaluatedProperties', 'dependentSchemas'])
      expect(text).not.toContain(`"${later}"`)
    expect(at('channels/_/messages/event.shape.drawn/payload/oneOf/1/properties/ends', whole)).toMatchObject({
      items: [{}, {}],
      additionalItems: false,
    })
  })

  it('a schema that holds itself leads back to where it stands here', () => {
    const home = '#/channels/_/messages/event.tree.grown/payload'
    const payload = at('channels/_/messages/event.tree.grown/payload', whole)
    expect(JSON.stringify(payload)).toContain(`"$ref":"${home}`)
    const answer = JSON.stringify(at('channels/_/messages/answer.tree.plant/payload', whole))
    expect(answer).toContain(
      '"$ref":"#/channels/_/messages/answer.tree.plant/payload/oneOf/0/properties/data/',
    )
  })

  it('every object that an event may be has room for _meta', () => {
    const branches = at('channels/_/messages/event.shape.drawn/payload', whole)['oneOf'] as Json[]
    expect(branches).toHaveLength(2)
    for (const branch of branches) expect(branch['properties']).toHaveProperty('_meta')
    const named = at('channels/_/messages/event.a.b/payload/definitions', whole) as Record<string, Json>
    expect(Object.values(named)[0]?.['properties']).toHaveProperty('_meta')
  })

  it('shows bytes as base64', () => {
    const raw = { summary: '', rooms: ['user'] }
    const described = asyncApi(
      [
        defineNamespace({
          name: '/jobs',
          summary: '',
          events: { 'raw:sent': stream(z.object({ raw: bytes({ minBytes: 7, maxBytes: 7 }) }), raw) },
          commands: {},
        }),
      ],
      about,
    )
    const [example] = messageOf('event.raw.sent', described)['examples'] as { payload: { raw: string } }[]
    expect(example?.payload.raw).toMatch(/^[A-Za-z0-9+/]{10}==$/)
  })

  it('changes nothing of a schema that its library keeps', () => {
    const kept = { type: 'object', properties: { next: { $ref: '#' } } }
    const before = structuredClone(kept)
    const own = {
      '~standard': {
        version: 1,
        vendor: 'own',
        validate: (value: unknown) => ({ value }),
        jsonSchema: { input: () => kept, output: () => kept },
      },
    } as const
    const contract = defineNamespace({
      name: '/jobs',
      summary: '',
      events: { 'own:sent': stream(own, { summary: '', rooms: ['user'] }) },
      commands: {},
    })
    expect(messageOf('event.own.sent', asyncApi([contract], about))['payload']).toMatchObject({
      properties: { next: { $ref: '#/channels/jobs/messages/event.own.sent/payload' }, _meta: {} },
    })
    expect(kept).toEqual(before)
  })
})
