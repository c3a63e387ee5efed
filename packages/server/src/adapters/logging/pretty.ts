/** A log line for a person: time of day, level, message, then the fields, and a stack on lines of its own. */
export function prettyLine(json: string): string {
  const record = parse(json)
  if (record === undefined) return json
  const { time, level, message, ...fields } = record
  const stacks: string[] = []
  const shown = Object.entries(fields).map(([name, value]) => {
    if (isError(value)) {
      stacks.push(indent(value.stack))
      return `${name}=${JSON.stringify(value.message)}`
    }
    return `${name}=${typeof value === 'string' && /^[\w./:@-]+$/.test(value) ? value : JSON.stringify(value)}`
  })
  const head = `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${printable(String(message))}`
  return `${[head, ...shown].join('  ')}\n${stacks.join('')}`
}

function parse(json: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(json) as Record<string, unknown>
  } catch {
    return undefined
  }
}

/** Control characters could forge lines, or worse, in somebody's terminal. */
function printable(text: string): string {
  return text.replace(
    /\p{Cc}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function isError(value: unknown): value is { message: string; stack: string } {
  return typeof value === 'object' && value !== null && 'stack' in value && typeof value.stack === 'string'
}

function indent(text: string): string {
  return `${text.split('\n').map(printable).join('\n').replace(/^/gm, '    ')}\n`
}
