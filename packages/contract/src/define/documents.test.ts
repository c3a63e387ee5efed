import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { asyncApi, eventReference } from './documents.ts'
import { command, defineNamespace, latest, stream } from './namespace.ts'

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
    'job:progress': latest(z.object({ jobId: z.string(), progress: z.number().min(0).max(100) }), {
      summary: 'How far it is.',
      rooms: ['job'],
      key: ({ jobId }) => jobId,
      batch: { windowMs: 50, countMax: 20 },
    }),
  },
  commands: {
    'job:cancel': command({
      summary: 'Stops a job.',
      input: z.object({ jobId: z.string() }),
      permission: 'jobs:write',
    }),
    'job:list': command({
      summary: 'The jobs of a user.',
      input: z.object({ limit: z.number().int().default(20) }),
      output: z.object({ jobs: z.array(z.string()) }),
    }),
  },
})
const document = asyncApi([jobs], { title: 'Belfry', version: '0.1.0', host: 'localhost:3000' })

describe('the AsyncAPI document', () => {
  it('describes every event and command, seen from the server', () => {
    const operations = document['operations'] as Record<string, { action: string; reply?: object }>
    expect(
      Object.entries(operations).map(([id, { action, reply }]) => [id, action, reply !== undefined]),
    ).toEqual([
      ['jobs.event.job.created', 'send', false],
      ['jobs.event.job.progress', 'send', false],
      ['jobs.command.job.cancel', 'receive', true],
      ['jobs.command.job.list', 'receive', true],
    ])
  })

  it('has no reference that leads nowhere', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
      (match) => match[1] ?? '',
    )
    expect(references.length).toBeGreaterThan(8)
    for (const reference of references) {
      const target = reference
        .split('/')
        .reduce<unknown>((node, key) => (node as Record<string, unknown>)?.[key], document)
      expect(target, reference).toBeDefined()
    }
  })

  it('says what travels: payloads with _meta, inputs as they are sent, answers as they come back', () => {
    const { messages } = (
      document['channels'] as Record<string, { messages: Record<string, { payload: Record<string, never> }> }>
    )['jobs'] ?? { messages: {} }
    expect(messages['event.job.created']?.payload).toMatchObject({
      type: 'object',
      required: ['jobId'],
      properties: { jobId: { type: 'string' }, _meta: { required: ['id', 'at'] } },
    })
    // A default is filled in by the server: who sends may leave it out.
    expect(messages['command.job.list']?.payload).not.toHaveProperty('required')
    expect(messages['answer.job.list']?.payload).toMatchObject({
      oneOf: [{ required: ['ok', 'data'] }, { $ref: '#/components/schemas/Refusal' }],
    })
    expect(messages['answer.job.cancel']?.payload).toMatchObject({ oneOf: [{ required: ['ok'] }, {}] })
  })

  it('is the same for the same contract', () => {
    expect(asyncApi([jobs], { title: 'Belfry', version: '0.1.0', host: 'localhost:3000' })).toEqual(document)
  })
})

it('the reference for people has a row for each', () => {
  expect(eventReference([jobs])).toBe(`## /jobs

Work that takes a while. Durable. Needs the permission \`jobs:read\`.

| Event | Lane | Rooms | Meaning | Payload |
|---|---|---|---|---|
| \`job:created\` | stream | user, workspace | A job was made. | \`jobId\`, \`note?\` |
| \`job:progress\` | latest | job | How far it is. | \`jobId\`, \`progress\` |

| Command | Meaning | Input | Answer |
|---|---|---|---|
| \`job:cancel\` | Stops a job. | \`jobId\` |  |
| \`job:list\` | The jobs of a user. | \`limit?\` | \`jobs\` |
`)
})
