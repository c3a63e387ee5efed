/**
 * Example payloads, made from the schemas of a contract: for tests, for demonstrations, for documents. The same seed
 * gives the same payload, and none leaves before its contract has checked it.
 */
import { type Check, checkCommand, checkEvent } from './checks.ts'
import { type Json, jsonSchema } from './json-schema.ts'
import type { CommandContract, EventContract, InputOrNone } from './namespace.ts'
import { NoSample, sample } from './sample.ts'
import { seededRandom } from './sample-random.ts'
import type { OutputOf, StandardSchema } from './standard-schema.ts'

export interface MockOptions {
  /** Any whole number; 1 if absent. */
  readonly seed?: number
}

/** Rules beyond JSON Schema, such as an end after its beginning, are met by chance or not at all. */
const triesMax = 60

/** A payload as a listener gets it, without `_meta`. Throws a TypeError if none can be made. */
export function mockEvent<Data extends StandardSchema>(
  contract: EventContract<Data>,
  { seed = 1 }: MockOptions = {},
): OutputOf<Data> {
  const { data, summary, maxBytes } = contract
  const { checked } = validSample(`event "${summary}"`, data, checkEvent(contract), maxBytes, seed)
  return checked as OutputOf<Data>
}

/** An input as a client sends it. Throws a TypeError if none can be made. */
export function mockCommandInput<Input extends StandardSchema | undefined>(
  contract: CommandContract<Input>,
  { seed = 1 }: MockOptions = {},
): InputOrNone<Input> {
  const { input, summary, maxBytes } = contract
  if (input === undefined) return {} as InputOrNone<Input>
  const { sent } = validSample(`command "${summary}"`, input, checkCommand(contract), maxBytes, seed)
  return sent as InputOrNone<Input>
}

function validSample(
  what: string,
  schema: StandardSchema,
  check: Check<unknown>,
  maxBytes: number,
  seed: number,
): { sent: unknown; checked: unknown } {
  let described: Json
  try {
    described = jsonSchema(schema, 'input')
  } catch (cause) {
    throw failure(what, cause instanceof Error ? cause.message : String(cause), { cause })
  }
  let reason = ''
  for (let tries = 0; tries < triesMax; tries++) {
    try {
      // Examples of the schema are taken first, and left aside every other time: they may be wrong.
      const sent = sample(described, seededRandom(seed * triesMax + tries), { fromExamples: tries % 2 === 0 })
      const checked = check(sent)
      if (!checked.ok) reason = checked.fields.map(({ path, message }) => `${path}: ${message}`).join('; ')
      else if (bytesOf(checked.value) > maxBytes) reason = `it would be larger than ${maxBytes} bytes`
      else return { sent, checked: checked.value }
    } catch (error) {
      if (!(error instanceof NoSample)) throw error
      reason = error.message
    }
  }
  throw failure(what, reason)
}

function failure(what: string, reason: string, options?: ErrorOptions): TypeError {
  const advice = 'Give its schema an example, with .meta({ examples: [ … ] }) in zod.'
  return new TypeError(`No example could be made for the ${what}: ${reason}. ${advice}`, options)
}

/** Of the JSON text, at most: no character needs more than three for each half of it. Bytes travel beside it. */
function bytesOf(value: unknown): number {
  const text = JSON.stringify(value, (_, inner) => (ArrayBuffer.isView(inner) ? null : inner))
  let bytes = 0
  for (const character of text) bytes += character < '\u0080' ? 1 : 3 * character.length
  return bytes
}
