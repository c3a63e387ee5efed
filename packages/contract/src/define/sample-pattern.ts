/**
 * A text that a simple regular expression accepts: letters, classes, groups, alternatives and repetition. Looking ahead
 * and behind is left out, so the caller tests the text; `undefined` for what is not understood, such as `\1`.
 */
import { integerBetween, oneOf, type Random } from './sample-random.ts'

/** How often something without a bound of its own comes, beyond its least. */
const repeatsMax = 5
/** A pattern that asks for more characters of one kind is no simple one. */
const leastMax = 1000

export function textOf(source: string, random: Random): string | undefined {
  try {
    const [text, end] = alternatives(source, 0, random)
    return end === source.length ? text : undefined
  } catch (error) {
    if (error === notSimple) return undefined
    throw error
  }
}

const notSimple = new SyntaxError('This is no simple pattern.')

/** Each reads from `at` and gives a text and the place where it stopped reading. */
type Read = readonly [text: string, end: number]

function alternatives(source: string, start: number, random: Random): Read {
  const texts: string[] = []
  let at = start
  for (;;) {
    const [text, end] = sequence(source, at, random)
    texts.push(text)
    at = end + 1
    if (source[end] !== '|') return [oneOf(random, texts) ?? '', end]
  }
}

function sequence(source: string, start: number, random: Random): Read {
  let text = ''
  let at = start
  while (at < source.length && source[at] !== '|' && source[at] !== ')') {
    const first = atom(source, at, random)
    const { least, most, end } = repetition(source, first[1])
    for (let times = integerBetween(random, least, most); times > 0; times--)
      // Read again each time: the third letter need not be the first one.
      text += atom(source, at, random)[0]
    at = end
  }
  return [text, at]
}

function repetition(source: string, at: number): { least: number; most: number; end: number } {
  const [written, sign, low, comma, high] = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/.exec(source.slice(at)) ?? [
    '',
  ]
  const end = at + written.length
  if (written === '') return { least: 1, most: 1, end }
  if (sign !== undefined) return { least: sign === '+' ? 1 : 0, most: sign === '?' ? 1 : repeatsMax, end }
  const least = Number(low)
  if (least > leastMax) throw notSimple
  if (comma === '') return { least, most: least, end }
  return {
    least,
    most: Math.min(high === '' ? Number.POSITIVE_INFINITY : Number(high), least + repeatsMax),
    end,
  }
}

function atom(source: string, at: number, random: Random): Read {
  const sign = source[at] ?? ''
  if (sign === '^' || sign === '$') return ['', at + 1]
  if (sign === '.') return [pick(wordCharacters, random), at + 1]
  if (sign === '(') return group(source, at, random)
  if (sign === '[') return characterClass(source, at, random)
  if (sign === '\\') {
    const { characters, end } = escaped(source, at)
    return [characters === '' ? '' : pick(characters, random), end]
  }
  if ('*+?{}'.includes(sign)) throw notSimple
  return [sign, at + 1]
}

function group(source: string, at: number, random: Random): Read {
  const [opening, looks] = /^\((?:\?(?::|<[a-zA-Z]\w*>|(<?[=!])))?/.exec(source.slice(at)) ?? ['(']
  const [text, end] = alternatives(source, at + opening.length, random)
  if (source[end] !== ')') throw notSimple
  return [looks === undefined ? text : '', end + 1]
}

function characterClass(source: string, start: number, random: Random): Read {
  const negated = source[start + 1] === '^'
  let at = start + (negated ? 2 : 1)
  let characters = ''
  while (source[at] !== ']') {
    if (at >= source.length) throw notSimple
    const from = classMember(source, at)
    const isRange = source[from.end] === '-' && source[from.end + 1] !== ']' && from.characters.length === 1
    if (!isRange) {
      characters += from.characters
      at = from.end
      continue
    }
    const to = classMember(source, from.end + 1)
    characters += charactersBetween(from.characters, to.characters)
    at = to.end
  }
  const allowed = negated ? [...printable].filter((each) => !characters.includes(each)).join('') : characters
  return [pick(allowed, random), at + 1]
}

function classMember(source: string, at: number): { characters: string; end: number } {
  return source[at] === '\\' ? escaped(source, at) : { characters: source[at] ?? '', end: at + 1 }
}

/** What `\d` and its like stand for; nothing for `\b`, which has no width. */
function escaped(source: string, at: number): { characters: string; end: number } {
  const sign = source[at + 1] ?? ''
  const known = escapes[sign]
  if (known !== undefined) return { characters: known, end: at + 2 }
  const [written, x, u, wide] =
    /^\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|u\{([\da-fA-F]+)\})/.exec(source.slice(at)) ?? []
  if (written !== undefined) {
    const character = String.fromCodePoint(Number.parseInt(x ?? u ?? wide ?? '', 16))
    return { characters: character, end: at + written.length }
  }
  // The rest are letters with a meaning that is not simple, such as \p or \1.
  if (/[a-zA-Z\d]/.test(sign) || sign === '') throw notSimple
  return { characters: sign, end: at + 2 }
}

function charactersBetween(first: string, last: string): string {
  const from = first.codePointAt(0) ?? 0
  // What is beyond is printable more rarely than it is a trap for who reads the example.
  const to = Math.min(last.codePointAt(0) ?? 0, Math.max(from, 0x7e))
  let characters = ''
  for (let code = from; code <= to; code++) characters += String.fromCodePoint(code)
  return characters
}

function pick(characters: string, random: Random): string {
  // Of a class that allows nearly everything, such as [^@], letters and digits read best.
  const broad = characters.length > 64 ? [...wordCharacters].filter((each) => characters.includes(each)) : []
  const character = oneOf(random, broad.length > 0 ? broad : [...characters])
  if (character === undefined) throw notSimple
  return character
}

const digits = '0123456789'
const letters = 'abcdefghijklmnopqrstuvwxyz'
const wordCharacters = `${letters}${digits}`
const printable = `${wordCharacters}${letters.toUpperCase()} !"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}~`
const printableThat = (suits: (character: string) => boolean) => [...printable].filter(suits).join('')
const escapes: Readonly<Record<string, string>> = {
  d: digits,
  D: printableThat((each) => !/\d/.test(each)),
  w: printableThat((each) => /\w/.test(each)),
  W: printableThat((each) => !/\w/.test(each)),
  s: ' ',
  S: printableThat((each) => each !== ' '),
  t: '\t',
  n: '\n',
  r: '\r',
  b: '',
}
