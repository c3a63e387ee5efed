/**
 * What is read of a contract: an AsyncAPI 3 document for tools, and a reference in Markdown for people. Both come
 * from the definitions and are never written by hand (B-08).
 */
import type { CommandContract, EventContract, NamespaceContract } from './namespace.ts'
import type { StandardSchema } from './standard-schema.ts'

export interface AsyncApiOptions {
  readonly title: string
  readonly version: string
  /** Such as `localhost:3000`. */
  readonly host: string
}

type Json = Record<string, unknown>

export function asyncApi(namespaces: readonly NamespaceContract[], options: AsyncApiOptions): Json {
  return {
    asyncapi: '3.0.0',
    info: { title: options.title, version: options.version },
    defaultContentType: 'application/json',
    servers: {
      belfry: { host: options.host, protocol: 'socket.io', description: 'Engine.IO 4, Socket.IO 5.' },
    },
    channels: Object.fromEntries(namespaces.map((namespace) => [channelId(namespace), channelOf(namespace)])),
    operations: Object.fromEntries(namespaces.flatMap(operationsOf)),
    components: { schemas: { Refusal: refusalSchema } },
  }
}

function channelOf({ name, summary, durable, permission, events, commands }: NamespaceContract): Json {
  return {
    address: name,
    title: name,
    summary,
    ...(permission === undefined ? {} : { description: `Needs the permission \`${permission}\`.` }),
    messages: Object.fromEntries([
      ...Object.entries(events).map(([event, contract]) => [eventId(event), eventMessage(event, contract)]),
      ...Object.entries(commands).flatMap(([command, contract]) => [
        [commandId(command), commandMessage(command, contract)],
        [answerId(command), answerMessage(command, contract)],
      ]),
    ]),
    'x-belfry': { durable },
  }
}

function operationsOf(namespace: NamespaceContract): [string, Json][] {
  const channel = { $ref: `#/channels/${channelId(namespace)}` }
  const message = (id: string) => ({ $ref: `#/channels/${channelId(namespace)}/messages/${id}` })
  // The document speaks for the server: it sends events and receives commands.
  const events = Object.entries(namespace.events).map(([event, { summary }]): [string, Json] => [
    `${channelId(namespace)}.${eventId(event)}`,
    { action: 'send', channel, summary, messages: [message(eventId(event))] },
  ])
  const commands = Object.entries(namespace.commands).map(([command, { summary }]): [string, Json] => [
    `${channelId(namespace)}.${commandId(command)}`,
    {
      action: 'receive',
      channel,
      summary,
      messages: [message(commandId(command))],
      reply: { channel, messages: [message(answerId(command))] },
    },
  ])
  return [...events, ...commands]
}

function eventMessage(name: string, contract: EventContract): Json {
  const { summary, data, lane, rooms, permission, maxBytes, batch } = contract
  return {
    name,
    summary,
    payload: withMeta(jsonSchema(data, 'output')),
    'x-belfry': { lane, rooms, maxBytes, ...(permission && { permission }), ...(batch && { batch }) },
  }
}

function commandMessage(
  name: string,
  { summary, input, permission, ratePerSecond, maxBytes }: CommandContract,
): Json {
  return {
    name,
    summary,
    payload: jsonSchema(input, 'input'),
    'x-belfry': { maxBytes, ...(permission && { permission }), ...(ratePerSecond && { ratePerSecond }) },
  }
}

function answerMessage(name: string, { output }: CommandContract): Json {
  const done = output === undefined ? {} : { data: jsonSchema(output, 'output') }
  return {
    name,
    summary: `Answer to ${name}.`,
    payload: {
      oneOf: [
        {
          type: 'object',
          required: ['ok', ...Object.keys(done)],
          properties: { ok: { const: true }, ...done },
        },
        { $ref: '#/components/schemas/Refusal' },
      ],
    },
  }
}

const metaSchema = {
  type: 'object',
  required: ['id', 'at'],
  properties: {
    id: { type: 'string', description: 'Where the event stands in its namespace: epoch and position.' },
    at: { type: 'string', format: 'date-time' },
  },
}

const refusalSchema = {
  type: 'object',
  required: ['ok', 'error'],
  properties: {
    ok: { const: false },
    error: {
      type: 'object',
      required: ['code', 'detail', 'retry'],
      properties: {
        code: { type: 'string' },
        detail: { type: 'string' },
        retry: { type: 'boolean' },
        fields: {
          type: 'array',
          items: {
            type: 'object',
            required: ['path', 'message'],
            properties: { path: { type: 'string' }, message: { type: 'string' } },
          },
        },
      },
    },
  },
}

function withMeta(schema: Json): Json {
  if (schema['type'] !== 'object') return schema
  return { ...schema, properties: { ...(schema['properties'] as Json | undefined), _meta: metaSchema } }
}

function jsonSchema(schema: StandardSchema, side: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = schema['~standard'].jsonSchema[side]({ target: 'draft-2020-12' })
  return rest
}

/** AsyncAPI's names may hold letters, digits, dots, dashes and underscores. */
const channelId = ({ name }: NamespaceContract) => name.slice(1)
const eventId = (event: string) => `event.${event.replaceAll(':', '.')}`
const commandId = (command: string) => `command.${command.replaceAll(':', '.')}`
const answerId = (command: string) => `answer.${command.replaceAll(':', '.')}`

/** The same for people: one section a namespace, one table each for events and commands. */
export function eventReference(namespaces: readonly NamespaceContract[]): string {
  return namespaces.map(namespaceReference).join('\n')
}

function namespaceReference({
  name,
  summary,
  durable,
  permission,
  events,
  commands,
}: NamespaceContract): string {
  const needs = permission === undefined ? '' : ` Needs the permission \`${permission}\`.`
  const lines = [`## ${name}`, '', `${summary}${durable ? ' Durable.' : ''}${needs}`, '']
  if (Object.keys(events).length > 0) {
    lines.push('| Event | Lane | Rooms | Meaning | Payload |', '|---|---|---|---|---|')
    for (const [event, contract] of Object.entries(events)) {
      const fields = fieldsOf(jsonSchema(contract.data, 'output'))
      lines.push(
        `| \`${event}\` | ${contract.lane} | ${contract.rooms.join(', ')} | ${contract.summary} | ${fields} |`,
      )
    }
    lines.push('')
  }
  if (Object.keys(commands).length > 0) {
    lines.push('| Command | Meaning | Input | Answer |', '|---|---|---|---|')
    for (const [command, { summary: meaning, input, output }] of Object.entries(commands)) {
      const answer = output === undefined ? '' : fieldsOf(jsonSchema(output, 'output'))
      lines.push(`| \`${command}\` | ${meaning} | ${fieldsOf(jsonSchema(input, 'input'))} | ${answer} |`)
    }
    lines.push('')
  }
  return lines.join('\n')
}

/** `id`, `title?`: names, with a question mark where one may be absent. */
function fieldsOf(schema: Json): string {
  const required = new Set(Array.isArray(schema['required']) ? schema['required'] : [])
  const names = Object.keys((schema['properties'] as Json | undefined) ?? {})
  return names.map((name) => `\`${name}${required.has(name) ? '' : '?'}\``).join(', ')
}
