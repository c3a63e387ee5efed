/**
 * How values travel between JavaScript and PostgreSQL. This is the one place that says so.
 *
 * | PostgreSQL                  | JavaScript                                                            |
 * |-----------------------------|-----------------------------------------------------------------------|
 * | smallint, integer, bigint   | number; a bigint beyond ±(2^53 - 1) rejects: cast it to text          |
 * | real, double precision      | number                                                                |
 * | numeric                     | string, since a number would round it                                 |
 * | boolean                     | boolean                                                               |
 * | timestamptz                 | Date, in whole milliseconds; `infinity` rejects: cast it to text      |
 * | date, time, timestamp       | string as PostgreSQL writes it: they name no moment without a zone    |
 * | interval                    | string                                                                |
 * | json, jsonb                 | the parsed value                                                      |
 * | bytea                       | Buffer                                                                |
 * | arrays of these             | arrays of these                                                       |
 * | everything else             | string                                                                |
 *
 * A parameter may be null, a string, number, bigint, boolean, Date, Buffer or other bytes, an array (it becomes
 * a PostgreSQL array) or a plain object (it becomes JSON). An array for a json column is given as text, by
 * `JSON.stringify`. `undefined` is refused: as null it would make a condition false without a word.
 */
import { types } from 'pg'

/** PostgreSQL's protocol counts parameters in 16 bits. */
const parametersMax = 65_535

export type Encoded = string | Buffer | null

export function encodeValues(values: readonly unknown[]): Encoded[] {
  if (values.length > parametersMax) {
    throw new RangeError(
      `A statement has ${values.length} parameters, and PostgreSQL takes ${parametersMax} at most. Send arrays and unnest them.`,
    )
  }
  return values.map((value, index) => {
    if (typeof value === 'string') return value
    try {
      return encode(value)
    } catch (error) {
      throw new TypeError(`Parameter $${index + 1} cannot be sent: ${(error as Error).message}`)
    }
  })
}

function encode(value: unknown): Encoded {
  if (value === null) return null
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'object':
      return encodeObject(value)
    default:
      throw new TypeError(
        `it is ${typeof value === 'undefined' ? 'undefined; use null' : `a ${typeof value}`}.`,
      )
  }
}

function encodeObject(value: object): Encoded {
  if (value instanceof Date) return encodeDate(value)
  if (Buffer.isBuffer(value)) return value
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (Array.isArray(value)) return arrayText(value)
  return JSON.stringify(value)
}

function encodeDate(date: Date): string {
  const year = date.getUTCFullYear()
  if (Number.isNaN(year)) throw new TypeError('it is an invalid date.')
  if (year < 1 || year > 9999) throw new RangeError('its year is not between 1 and 9999.')
  return date.toISOString()
}

/** An array as PostgreSQL writes it, for lists of arrays of different lengths: those travel as texts. */
export function arrayText(values: readonly unknown[]): string {
  return `{${values.map(encodeElement).join(',')}}`
}

function encodeElement(value: unknown): string {
  if (Array.isArray(value)) return arrayText(value)
  const encoded = encode(value)
  if (encoded === null) return 'NULL'
  const text = typeof encoded === 'string' ? encoded : `\\x${encoded.toString('hex')}`
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

type Decoder = (text: string) => unknown

const asText: Decoder = (text) => text
const textArrayType: number = 1009
const decodeTextArray: Decoder = types.getTypeParser(textArrayType, 'text')

/** By type id; see `select oid, typname from pg_type`. The second id is the type's array. */
const decoders = new Map<number, Decoder>(
  (
    [
      [20, 1016, decodeBigint],
      [1184, 1185, decodeMoment],
      [1700, 1231, asText],
      [1082, 1182, asText],
      [1083, 1183, asText],
      [1266, 1270, asText],
      [1114, 1115, asText],
      [1186, 1187, asText],
      [600, 1017, asText],
      [718, 719, asText],
    ] as const
  ).flatMap(([type, arrayType, decode]) => [
    [type, decode],
    [arrayType, (text: string) => mapArray(decodeTextArray(text), decode)],
  ]),
)

/** For `types` in the driver's configuration. */
export const valueTypes = {
  getTypeParser(type: number, format?: string): Decoder {
    return decoders.get(type) ?? types.getTypeParser(type, format === 'binary' ? 'binary' : 'text')
  },
}

function decodeBigint(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`The bigint ${text} does not fit into a number. Cast it to text in the statement.`)
  }
  return value
}

/** PostgreSQL writes `2025-01-31 12:00:00.123456+00`, as every connection's time zone is UTC. */
function decodeMoment(text: string): Date {
  const moment = new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`)
  if (Number.isNaN(moment.getTime()) || !text.endsWith('+00')) {
    throw new RangeError(`The timestamp ${text} does not fit into a Date. Cast it to text in the statement.`)
  }
  return moment
}

function mapArray(value: unknown, decode: Decoder): unknown {
  if (Array.isArray(value)) return value.map((element) => mapArray(element, decode))
  return typeof value === 'string' ? decode(value) : value
}
