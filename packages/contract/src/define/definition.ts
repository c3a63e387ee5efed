/**
 * What is wrong with a definition is said when it is made, and not when the first event is sent: a payload that is no
 * object, one that would arrive as something else, a name that belongs to the engine.
 */
import { isJsonObject, type Json, jsonSchema, objectSchemas } from './json-schema.ts'
import type { Commands, Events, LogPolicy } from './namespace.ts'
import { reservedNames } from './naming.ts'
import type { StandardSchema } from './standard-schema.ts'

/** Throws a TypeError for the first mistake. */
export function refuseMistakes(namespace: string, events: Events, commands: Commands): void {
  for (const name of [...Object.keys(events), ...Object.keys(commands)]) {
    if (reservedNames.has(name))
      throw new TypeError(`${name} of ${namespace}: every namespace has it already. Choose another name.`)
  }
  for (const [name, { data }] of Object.entries(events))
    refusePayload(`The payload of ${name} of ${namespace}`, data, 'output')
  for (const [name, { input, output }] of Object.entries(commands)) {
    if (input !== undefined) refusePayload(`The input of ${name} of ${namespace}`, input, 'input')
    if (output !== undefined) describe(`The answer to ${name} of ${namespace}`, output, 'output')
  }
}

export function refuseBadLog(namespace: string, log: LogPolicy): void {
  for (const [bound, value] of Object.entries(log))
    if (!(Number.isSafeInteger(value) && value >= 0))
      throw new TypeError(`${bound} of the log of ${namespace} is ${value}: give a whole number.`)
}

/** A payload is exactly one object (R3): the cursor and `_meta` have a place, and fields can be added later. */
function refusePayload(what: string, schema: StandardSchema, side: 'input' | 'output'): void {
  const described = describe(what, schema, side)
  const objects = objectSchemas(described, described)
  if (objects === undefined)
    throw new TypeError(`${what} must be an object, whichever it is, and nothing else.`)
  if (objects.some(({ properties }) => isJsonObject(properties) && Object.hasOwn(properties, '_meta')))
    throw new TypeError(`${what} has a field "_meta", which belongs to the engine.`)
}

function describe(what: string, schema: StandardSchema, side: 'input' | 'output'): Json {
  try {
    return jsonSchema(schema, side)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TypeError(`${what} cannot be described as JSON: ${reason}`, { cause })
  }
}
