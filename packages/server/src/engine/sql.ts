/**
 * SQL as a value. `sql` turns a template into a statement whose text is fixed by the place it stands at,
 * so PostgreSQL parses and plans it once per connection under a name of its own.
 *
 *   const mine = sql<{ id: string }>`select id from notifications where user_id = ${userId}`
 *
 * A value becomes a parameter, never text. A nested statement becomes part of the text. The text PostgreSQL
 * gets is the text that stands in the source: backslashes are not escapes. See docs/adr/0003.
 */
export interface Statement<Row = unknown> {
  /** Same text, same name. Empty: too many texts are prepared already, so this one is sent unnamed. */
  readonly name: string
  readonly text: string
  readonly values: readonly unknown[]
  /** Carries the type of a row; never set. */
  readonly row?: Row
}

/**
 * Composed texts that stay prepared, at most. Each costs memory in every connection, on both sides, and a
 * text made from data (which `= any($1)` avoids) never ends, so texts beyond the bound are sent unnamed.
 * Templates without a nested statement are as many as the program has, and need no bound.
 */
const preparedCompositionsMax = 1000

export function sql<Row = unknown>(
  strings: TemplateStringsArray,
  ...parts: readonly unknown[]
): Statement<Row> {
  if (parts.some(isStatement)) return compose(strings.raw, parts)
  let text = textByTemplate.get(strings)
  if (text === undefined) {
    text = numberParameters(strings.raw)
    textByTemplate.set(strings, text)
    if (!nameByText.has(text)) nameByText.set(text, nextName())
  }
  return new SqlStatement(strings.raw, parts, text)
}

/** SQL text of our own, as it stands. Never for anything that came from outside. */
sql.raw = function raw<Row = unknown>(text: string): Statement<Row> {
  return new SqlStatement([text], [])
}

/** A table or column whose name is only known at run time. */
sql.identifier = function identifier(name: string): Statement {
  if (name === '' || name.includes('\0')) throw new TypeError('An identifier has at least one character.')
  return sql.raw(`"${name.replaceAll('"', '""')}"`)
}

/** Several statements with `separator` between them, such as conditions joined by ` and `. */
sql.join = function join(statements: readonly Statement[], separator = ', '): Statement {
  const strings = statements.map((_, index) => (index === 0 ? '' : separator))
  return compose([...strings, ''], statements)
}

const textByTemplate = new WeakMap<TemplateStringsArray, string>()
const nameByText = new Map<string, string>()
let namesGiven = 0
let compositionsNamed = 0

/** Known across two copies of this file too, so that a statement is never taken for a value. */
const brand: unique symbol = Symbol.for('belfry.statement') as never

/** Keeps the pieces of its text apart from the values, so that composing never has to read SQL. */
class SqlStatement<Row> implements Statement<Row> {
  readonly pieces: readonly string[]
  readonly values: readonly unknown[]
  readonly [brand] = true
  #text: string | undefined

  constructor(pieces: readonly string[], values: readonly unknown[], text?: string) {
    this.pieces = pieces
    this.values = values
    this.#text = text
  }

  get text(): string {
    this.#text ??= numberParameters(this.pieces)
    return this.#text
  }

  /** Given when it is asked for: a fragment that is only ever nested needs none. */
  get name(): string {
    const { text } = this
    const known = nameByText.get(text)
    if (known !== undefined) return known
    if (compositionsNamed >= preparedCompositionsMax) return ''
    compositionsNamed += 1
    const name = nextName()
    nameByText.set(text, name)
    return name
  }
}

function isStatement(part: unknown): part is SqlStatement<unknown> {
  return typeof part === 'object' && part !== null && brand in part
}

function compose<Row>(strings: readonly string[], parts: readonly unknown[]): Statement<Row> {
  const values: unknown[] = []
  const pieces: string[] = []
  let piece = strings[0] ?? ''
  for (const [index, part] of parts.entries()) {
    if (isStatement(part)) {
      for (const [at, value] of part.values.entries()) {
        pieces.push(piece + part.pieces[at])
        piece = ''
        values.push(value)
      }
      piece += part.pieces.at(-1)
    } else {
      pieces.push(piece)
      piece = ''
      values.push(part)
    }
    piece += strings[index + 1] ?? ''
  }
  return new SqlStatement([...pieces, piece], values)
}

function numberParameters(pieces: readonly string[]): string {
  return pieces.reduce((before, after, index) => `${before}$${index}${after}`)
}

function nextName(): string {
  namesGiven += 1
  return `s${namesGiven}`
}
