/** The reference for people, as they read it. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { asJson } from './as-json.ts'
import { command, defineNamespace, latest, stream } from './namespace.ts'
import { eventReference } from './reference.ts'

const id = z.string().meta({ examples: ['job_1'] })
const jobs = defineNamespace({
  name: '/jobs',
  summary: 'Work that takes a while.',
  durable: true,
  permission: 'jobs:read',
  events: {
    'job:created': stream(z.object({ jobId: id, by: z.literal('ana').optional() }), {
      summary: 'A job was made.',
      rooms: ['user', 'workspace'],
    }),
    'job:progress': latest(z.object({ jobId: id, progress: z.literal(40) }), {
      summary: 'How far it is:\n  0 | 100.',
      rooms: ['job'],
      permission: 'jobs:watch',
      maxBytes: 200,
      key: ({ jobId }) => jobId,
    }),
    'job:ended': stream(
      z.discriminatedUnion('how', [
        z.object({ how: z.literal('done'), jobId: id, result: z.literal(1) }),
        z.object({ how: z.literal('done too'), jobId: id, error: z.literal(2) }),
      ]),
      { summary: 'It is over.', rooms: ['job'], by: 'server' },
    ),
  },
  commands: {
    'job:cancel': command({
      summary: 'Stops a job.',
      input: z.object({ jobId: id }),
      permission: 'jobs:write',
      ratePerSecond: 5,
      depthMax: 1,
    }),
    'job:list': command({
      summary: 'The jobs of a user.',
      input: z.object({ limit: z.literal(20).default(20) }),
      output: z.object({ jobs: z.array(z.string()) }),
    }),
    'job:count': command({ summary: 'How many there are.' }),
  },
})

describe('the reference', () => {
  const reference = eventReference([jobs])
  const [own = '', common = ''] = reference.split('\n## Every namespace\n')

  it('has a table of events and one of commands', () => {
    expect(own.split('\nEvents, for example:')[0]).toBe(`## /jobs

Work that takes a while. Durable. Needs the permission \`jobs:read\`.

| Event | Lane | Rooms | Needs | Meaning | Payload | At most |
|---|---|---|---|---|---|---|
| \`job:created\` | stream | user, workspace |  | A job was made. | \`jobId\`, \`by?\` | 16384 bytes |
| \`job:progress\` | latest | job | \`jobs:watch\` | How far it is: 0 \\| 100. | \`jobId\`, \`progress\` | 200 bytes |
| \`job:ended\` | stream | job |  | It is over. Published by the server alone. | \`how\`, \`jobId\`, \`result?\`, \`error?\` | 16384 bytes |

| Command | Needs | Meaning | Input | Answer | At most |
|---|---|---|---|---|---|
| \`job:cancel\` | \`jobs:write\` | Stops a job. | \`jobId\` |  | 65536 bytes, depth 1, 5 a second |
| \`job:list\` |  | The jobs of a user. | \`limit?\` | \`jobs\` | 65536 bytes, depth 8 |
| \`job:count\` |  | How many there are. |  |  | 65536 bytes, depth 8 |
`)
  })

  it('has an example of each', () => {
    const lines = own.split('\n').filter((line) => line.startsWith('["'))
    const examples = lines.map((line) => JSON.parse(line) as [string, Record<string, unknown>])
    expect(examples.map(([name]) => name)).toEqual([
      ...Object.keys(jobs.events),
      ...Object.keys(jobs.commands),
    ])
    expect(examples[1]).toEqual(['job:progress', { jobId: 'job_1', progress: 40 }])
    expect(examples[3]).toEqual(['job:cancel', { jobId: 'job_1' }])
    expect(examples[5]).toEqual(['job:count', {}])
  })

  it('tells at its end, once, what every namespace has', () => {
    expect(common).toContain('| `sync:reset` |  | one session |')
    expect(common).toContain('| `room:join` |')
    const two = eventReference([
      jobs,
      defineNamespace({ name: '/b', summary: 'B.', events: {}, commands: {} }),
    ])
    expect(two.split('| `sync:reset` |')).toHaveLength(2)
    expect(two.endsWith(`\n## Every namespace\n${common}`)).toBe(true)
    expect(two).toContain('\n## /b\n\nB.\n\n## Every')
  })

  it('is the same for the same contract', () => {
    expect(eventReference([jobs])).toBe(reference)
  })

  it('leaves out an example that only its author knows', () => {
    const never = z.object({ id: z.string() }).refine(() => false)
    const contract = defineNamespace({
      name: '/b',
      summary: 'B.',
      events: { 'never:sent': stream(never, { summary: 'Never.', rooms: ['user'] }) },
      commands: {},
    })
    expect(eventReference([contract]).split('## Every namespace')[0]).not.toContain('for example')
  })
})

describe('bytes in an example', () => {
  it.each([[''], ['a'], ['ab'], ['abc'], ['abcd'], ['\u00ff\u00fe\u0000 bytes \u00fb\u00ef']])(
    '%j are base64',
    (text) => {
      const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0))
      expect(asJson({ bytes, list: [bytes] })).toEqual({
        bytes: Buffer.from(text, 'latin1').toString('base64'),
        list: [Buffer.from(text, 'latin1').toString('base64')],
      })
    },
  )
})
