/**
 * The AsyncAPI 3 document of a contract: what tools read of it. It comes from the definitions and is never written by
 * hand (B-08); reference.ts makes the pages for people.
 */
import { errorCatalogue } from '../errors.ts'
import { asJson } from './as-json.ts'
import { everyNamespace } from './every-namespace.ts'
import { everySchema, type Json, jsonSchema, objectSchemas } from './json-schema.ts'
import { mockCommandInput, mockEvent } from './mocks.ts'
import type { CommandContract, EventContract, NamespaceContract } from './namespace.ts'
import type { StandardSchema } from './standard-schema.ts'

export interface AsyncApiOptions {
  readonly title: string
  readonly version: string
  /** Such as `localhost:3000`. */
  readonly host: string
}

export function asyncApi(namespaces: readonly NamespaceContract[], options: AsyncApiOptions): Json {
  const channels = [...namespaces.map(ownChannel), commonChannel(namespaces)]
  return {
    asyncapi: '3.0.0',
    info: { title: options.title, version: options.version },
    defaultContentType: 'application/json',
    servers: {
      belfry: { host: options.host, protocol: 'socket.io', description: 'Engine.IO 4, Socket.IO 5.' },
    },
    channels: Object.fromEntries(channels.map(({ id, described }) => [id, described])),
    operations: Object.fromEntries(channels.flatMap(operationsOf)),
    components: { schemas: { Refusal: refusalSchema } },
  }
}

interface Channel {
  readonly id: string
  readonly namespace: NamespaceContract
  readonly described: Json
}

function ownChannel(namespace: NamespaceContract): Channel {
  const { name, summary, durable, permission } = namespace
  const id = channelId(name)
  const needs = permission === undefined ? {} : { description: `Needs the permission \`${permission}\`.` }
  return {
    id,
    namespace,
    described: {
      address: name,
      title: name,
      summary,
      ...needs,
      messages: messagesOf(namespace, id),
      'x-belfry': { durable, ...(permission !== undefined && { permission }) },
    },
  }
}

/** What every namespace has stands there once: a channel whose address is any of them. */
function commonChannel(namespaces: readonly NamespaceContract[]): Channel {
  // No name of a namespace becomes this id: theirs have no underscore of their own.
  const id = 'every_namespace'
  return {
    id,
    namespace: everyNamespace,
    described: {
      address: '{namespace}',
      title: 'Every namespace',
      summary: everyNamespace.summary,
      parameters: {
        namespace: {
          description: 'Any of the namespaces.',
          ...(namespaces.length > 0 && { enum: namespaces.map(({ name }) => name) }),
        },
      },
      messages: messagesOf(everyNamespace, id),
    },
  }
}

function messagesOf({ events, commands }: NamespaceContract, channel: string): Json {
  const at = (id: string) => `#/channels/${channel}/messages/${id}/payload`
  return Object.fromEntries([
    ...Object.entries(events).map(([name, contract]) => {
      const id = eventId(name)
      return [id, eventMessage(name, contract, at(id))]
    }),
    ...Object.entries(commands).flatMap(([name, contract]) => {
      const [id, answer] = [commandId(name), answerId(name)]
      return [
        [id, commandMessage(name, contract, at(id))],
        [answer, answerMessage(name, contract, at(answer))],
      ]
    }),
  ])
}

function operationsOf({ id, namespace }: Channel): [string, Json][] {
  const channel = { $ref: `#/channels/${id}` }
  const message = (messageId: string) => ({ $ref: `#/channels/${id}/messages/${messageId}` })
  // The document speaks for the server: it sends events and receives commands.
  const events = Object.entries(namespace.events).map(([name, { summary }]): [string, Json] => [
    `${id}.${eventId(name)}`,
    { action: 'send', channel, summary, messages: [message(eventId(name))] },
  ])
  const commands = Object.entries(namespace.commands).map(([name, { summary }]): [string, Json] => [
    `${id}.${commandId(name)}`,
    {
      action: 'receive',
      channel,
      summary,
      messages: [message(commandId(name))],
      reply: { channel, messages: [message(answerId(name))] },
    },
  ])
  return [...events, ...commands]
}

function eventMessage(name: string, contract: EventContract, pointer: string): Json {
  const { summary, data, lane, rooms, permission, by, maxBytes, batch } = contract
  const isOwn = rooms.length > 0
  return {
    name,
    summary,
    payload: schemaAt(data, 'output', pointer, true),
    ...examplesOf(() => ({ ...(mockEvent(contract) as Json), _meta: metaExample })),
    'x-belfry': {
      ...(isOwn && { lane, rooms }),
      maxBytes,
      ...(permission && { permission }),
      ...(by === 'server' && { by }),
      ...(batch && { batch }),
    },
  }
}

function commandMessage(name: string, contract: CommandContract, pointer: string): Json {
  const { summary, input, permission, ratePerSecond, maxBytes, depthMax } = contract
  return {
    name,
    summary,
    payload: input === undefined ? { type: 'object' } : schemaAt(input, 'input', pointer),
    ...examplesOf(() => mockCommandInput(contract)),
    'x-belfry': {
      maxBytes,
      depthMax,
      ...(permission && { permission }),
      ...(ratePerSecond && { ratePerSecond }),
    },
  }
}

function answerMessage(name: string, { output }: CommandContract, pointer: string): Json {
  const done =
    output === undefined ? {} : { data: schemaAt(output, 'output', `${pointer}/oneOf/0/properties/data`) }
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

/** The same seed for ever, so that the document changes only with the contract. None where none could be made. */
function examplesOf(make: () => unknown): Json {
  try {
    return { examples: [{ payload: asJson(make()) }] }
  } catch {
    return {}
  }
}

/** A copy of its own, whose references lead on within the document: `#` is the schema for its library only. */
function schemaAt(schema: StandardSchema, side: 'input' | 'output', pointer: string, isEvent = false): Json {
  const copy = asJson(jsonSchema(schema, side)) as Json
  if (isEvent) addMeta(copy)
  for (const each of everySchema(copy)) {
    const { $ref } = each
    if (typeof $ref === 'string' && $ref.startsWith('#')) each['$ref'] = `${pointer}${$ref.slice(1)}`
  }
  return copy
}

/** To each of the objects that the payload may be, as each may be closed to what it does not name. */
function addMeta(schema: Json): void {
  for (const each of objectSchemas(schema, schema) ?? [])
    each['properties'] = { ...(each['properties'] as Json | undefined), _meta: metaSchema }
}

const metaSchema = {
  type: 'object',
  required: ['id', 'at'],
  properties: {
    id: { type: 'string', description: 'Where the event stands in its namespace: epoch and position.' },
    at: { type: 'string', format: 'date-time' },
  },
}
const metaExample = { id: 'k3f.1208', at: '2026-01-31T09:30:00.000Z' }

const refusalSchema = {
  type: 'object',
  required: ['ok', 'error'],
  properties: {
    ok: { const: false },
    error: {
      type: 'object',
      required: ['code', 'message', 'retry'],
      properties: {
        code: { type: 'string', enum: Object.keys(errorCatalogue) },
        message: { type: 'string' },
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

/**
 * An id holds letters, digits, dots, dashes and underscores. A colon becomes a dot, and everything else its number
 * between underscores, so that two names never share an id.
 */
function idOf(name: string): string {
  return name.replace(/[^A-Za-z0-9-]/gu, (sign) =>
    sign === ':' ? '.' : `_${sign.codePointAt(0)?.toString(16)}_`,
  )
}

const channelId = (name: string) => (name === '/' ? '_' : idOf(name.slice(1)))
const eventId = (name: string) => `event.${idOf(name)}`
const commandId = (name: string) => `command.${idOf(name)}`
const answerId = (name: string) => `answer.${idOf(name)}`
