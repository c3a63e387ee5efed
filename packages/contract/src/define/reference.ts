/**
 * The reference of a contract for people, in Markdown: a section for each namespace with its events and commands, what
 * they carry and who may have them, each with an example (B-08). What every namespace has comes once, at the end.
 */
import { asJson } from './as-json.ts'
import { everyNamespace } from './every-namespace.ts'
import { type Json, jsonSchema, objectSchemas } from './json-schema.ts'
import { mockCommandInput, mockEvent } from './mocks.ts'
import type { CommandContract, EventContract, NamespaceContract } from './namespace.ts'
import type { StandardSchema } from './standard-schema.ts'

export function eventReference(namespaces: readonly NamespaceContract[]): string {
  return [
    ...namespaces.map((namespace) => section(namespace, namespace.name)),
    section(everyNamespace, 'Every namespace'),
  ].join('\n')
}

function section(namespace: NamespaceContract, title: string): string {
  const { summary, durable, permission, events, commands } = namespace
  const needs = permission === undefined ? '' : ` Needs the permission \`${permission}\`.`
  const rows = [
    ...table(
      ['Event', 'Lane', 'Rooms', 'Needs', 'Meaning', 'Payload', 'At most'],
      Object.entries(events).map(eventRow),
    ),
    ...table(
      ['Command', 'Needs', 'Meaning', 'Input', 'Answer', 'At most'],
      Object.entries(commands).map(commandRow),
    ),
    ...examples('Events, for example:', events, mockEvent),
    ...examples('Commands, for example:', commands, mockCommandInput),
  ]
  return [`## ${title}`, '', `${summary}${durable ? ' Durable.' : ''}${needs}`, '', ...rows].join('\n')
}

function eventRow([name, contract]: [string, EventContract]): string[] {
  const { lane, rooms, permission, by, summary, data, maxBytes } = contract
  // Without a room it is the engine's own: for one session, in order, and not in the log.
  const [how, where] = rooms.length === 0 ? ['', 'one session'] : [lane, rooms.join(', ')]
  const meaning = by === 'server' ? `${summary} Published by the server alone.` : summary
  return [code(name), how, where, needed(permission), meaning, fieldsOf(data, 'output'), `${maxBytes} bytes`]
}

function commandRow([name, contract]: [string, CommandContract]): string[] {
  const { permission, summary, input, output, maxBytes, depthMax, ratePerSecond } = contract
  const rate = ratePerSecond === undefined ? '' : `, ${ratePerSecond} a second`
  const limits = `${maxBytes} bytes, depth ${depthMax}${rate}`
  return [
    code(name),
    needed(permission),
    summary,
    fieldsOf(input, 'input'),
    fieldsOf(output, 'output'),
    limits,
  ]
}

const needed = (permission: string | undefined) => (permission === undefined ? '' : code(permission))

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return []
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line), '']
}

const code = (text: string) => `\`${text}\``
/** A bar would end the cell, a line break the row. */
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ')

/** One of each, a line for each: the name and the object, as they are emitted. */
function examples<Contract>(
  title: string,
  contracts: Readonly<Record<string, Contract>>,
  mock: (contract: Contract) => unknown,
): string[] {
  const lines = Object.entries(contracts).flatMap(([name, contract]) => {
    try {
      return [JSON.stringify([name, asJson(mock(contract))])]
    } catch {
      // Only its author knows an example; the schema can carry one.
      return []
    }
  })
  return lines.length === 0 ? [] : [title, '', '```json', ...lines, '```', '']
}

/** `id`, `title?`: names, with a question mark where one may be absent. */
function fieldsOf(schema: StandardSchema | undefined, side: 'input' | 'output'): string {
  if (schema === undefined) return ''
  const described = jsonSchema(schema, side)
  const objects = objectSchemas(described, described) ?? []
  const names = new Set(
    objects.flatMap(({ properties }) => Object.keys((properties as Json | undefined) ?? {})),
  )
  const isAlwaysThere = (name: string) =>
    objects.every(({ required }) => Array.isArray(required) && required.includes(name))
  return [...names].map((name) => code(isAlwaysThere(name) ? name : `${name}?`)).join(', ')
}
