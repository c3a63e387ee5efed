/** Texts for examples: of a format, of a pattern, or words that suit the name of their field. */
import type { Json } from './json-schema.ts'
import { textOf } from './sample-pattern.ts'
import { integerBetween, oneOf, type Random } from './sample-random.ts'

/** A longer text is no example for anybody. In characters. */
const lengthMax = 100_000
/** Patterns that look ahead, or that have a length besides, need a few tries. */
const triesMax = 30

/** A text for a schema of type string; `undefined` if none was found. */
export function sampleText(schema: Json, name: string, random: Random): string | undefined {
  const patterns = patternsOf(schema)
  const least = typeof schema['minLength'] === 'number' ? schema['minLength'] : 0
  const most = typeof schema['maxLength'] === 'number' ? schema['maxLength'] : lengthMax
  if (least > lengthMax) return undefined
  const suits = (text: string) =>
    text.length >= least && text.length <= most && patterns.every((pattern) => matches(pattern, text))

  const format = String(schema['format'])
  const formatted = Object.hasOwn(formats, format) ? formats[format] : undefined
  const ways = [
    ...(formatted === undefined ? [] : [() => formatted(random)]),
    () => fitted(wordsFor(name, random), least, most, random),
    ...patterns.map((pattern) => () => textOf(pattern, random)),
  ]
  for (const way of ways) {
    for (let tries = 0; tries < triesMax; tries++) {
      const text = way()
      if (text !== undefined && suits(text)) return text
    }
  }
  return undefined
}

function patternsOf(schema: Json): string[] {
  const parts = [schema, ...(Array.isArray(schema['allOf']) ? (schema['allOf'] as Json[]) : [])]
  return parts.flatMap(({ pattern }) => (typeof pattern === 'string' ? [pattern] : []))
}

function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern).test(text)
  } catch {
    // A pattern of another dialect: the schema itself decides.
    return true
  }
}

function wordsFor(name: string, random: Random): string {
  const [, make] = byName.find(([names]) => names.test(name)) ?? byName[byName.length - 1] ?? []
  return make === undefined ? '' : make(random, name)
}

/** Longer with more words, shorter by a cut; no space at its end, which a schema may trim. */
function fitted(text: string, least: number, most: number, random: Random): string {
  const parts = [text]
  for (let length = text.length; length < least; ) {
    const word = ` ${oneOf(random, words)}`
    parts.push(word)
    length += word.length
  }
  return parts.join('').slice(0, most).replace(/ $/, 'x')
}

const digits = '0123456789'
const lettersAndDigits = `abcdefghijklmnopqrstuvwxyz${digits}`

function characters(random: Random, from: string, length: number): string {
  return Array.from({ length }, () => oneOf(random, [...from])).join('')
}

const hex = (random: Random, length: number) => characters(random, `${digits}abcdef`, length)
const twoDigits = (number: number) => String(number).padStart(2, '0')

function date(random: Random): string {
  return `2026-${twoDigits(integerBetween(random, 1, 12))}-${twoDigits(integerBetween(random, 1, 28))}`
}

function time(random: Random): string {
  const [hour, minute, second] = [23, 59, 59].map((most) => twoDigits(integerBetween(random, 0, most)))
  return `${hour}:${minute}:${second}`
}

const dateTime = (random: Random) => `${date(random)}T${time(random)}Z`
const email = (random: Random) => `${oneOf(random, firstNames).toLowerCase()}@example.org`
const url = (random: Random) => `https://example.org/${oneOf(random, words)}/${characters(random, digits, 3)}`
const byte = (random: Random) => integerBetween(random, 1, 254)

const formats: Readonly<Record<string, (random: Random) => string>> = {
  'date-time': dateTime,
  date,
  time: (random) => `${time(random)}Z`,
  duration: (random) => `PT${integerBetween(random, 1, 59)}M`,
  email,
  uri: url,
  uuid: (random) =>
    `${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-a${hex(random, 3)}-${hex(random, 12)}`,
  hostname: (random) => `${oneOf(random, words)}.example.org`,
  ipv4: (random) => `192.0.2.${byte(random)}`,
  ipv6: (random) => `2001:db8::${hex(random, 4)}`,
  // Whole groups of four: without padding at the end.
  base64: (random) => characters(random, lettersAndDigits, 12),
  'json-string': (random) => JSON.stringify({ [oneOf(random, words)]: integerBetween(random, 1, 9) }),
}

const firstNames = ['Ana', 'Ben', 'Chidi', 'Dilara', 'Emil', 'Farah', 'Goran', 'Hana'] as const
const lastNames = ['Almeida', 'Berg', 'Costa', 'Demir', 'Eriksen', 'Fontaine', 'Novak', 'Okoye'] as const
const words = ['harbour', 'lantern', 'meadow', 'orchard', 'quarry', 'river', 'summit', 'willow'] as const
const titles = ['Spring campaign', 'Opening hours', 'Release notes', 'Team photo', 'Weekly report'] as const
const sentences = [
  'The first draft is ready for review.',
  'Please have a look before noon.',
  'Everything went as planned.',
  'Two of five parts are done.',
] as const
const colours = ['#1d4ed8', '#15803d', '#b45309', '#be123c'] as const

const id = (random: Random) => characters(random, lettersAndDigits, 8)

/** The first that fits the name of the field; the last fits all. */
const byName: readonly (readonly [RegExp, (random: Random, name: string) => string])[] = [
  [/^id$|^key$|token|hash/i, id],
  [/Ids?$|_ids?$/, (random, name) => `${name.replace(/_?ids?$/i, '')}_${id(random)}`],
  [/e-?mail/i, email],
  [/url|link|href|avatar|image|picture/i, url],
  [/At$|date|deadline|until|since/i, dateTime],
  [/title|subject|headline|label|topic/i, (random) => oneOf(random, titles)],
  [/message|text|body|note|description|summary|detail|content|comment|reason/i, (r) => oneOf(r, sentences)],
  [
    /user|author|person|owner|^by$|^(full|display)?name$/i,
    (r) => `${oneOf(r, firstNames)} ${oneOf(r, lastNames)}`,
  ],
  [/phone/i, (random) => `+44 20 7946 0${characters(random, digits, 3)}`],
  [/colou?r/i, (random) => oneOf(random, colours)],
  [/cursor|position/i, (random) => `k3f.${integerBetween(random, 1, 9999)}`],
  [/version/i, (random) => `${integerBetween(random, 1, 4)}.${integerBetween(random, 0, 9)}.0`],
  [/./, (random) => oneOf(random, words)],
  [/^/, (random) => oneOf(random, words)],
]
