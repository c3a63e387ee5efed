/** What a wire does to values, without a wire: JSON, with bytes beside it. For transport.ts. */

/** What arrives when this is sent: a copy without what JSON does not know. Throws where JSON does. */
export function carried(value: unknown): unknown {
  const attachments: Uint8Array[] = []
  const text = JSON.stringify(withoutBytes(value, attachments))
  return text === undefined ? null : placed(text, attachments)
}

/** JSON text with its bytes in their places. */
export function placed(text: string, attachments: readonly Uint8Array[]): unknown {
  const value: unknown = JSON.parse(text)
  return attachments.length === 0 ? value : withBytes(value, attachments)
}

/** As a transport tells them with a command; bytes of the text are its characters. */
export function measured(name: string, args: readonly unknown[]): { depth: number; bytes: number } {
  const attachments: Uint8Array[] = []
  const text = JSON.stringify([name, ...args.map((arg) => withoutBytes(arg, attachments))])
  const bytes = attachments.reduce((sum, { byteLength }) => sum + byteLength, text.length)
  return { depth: Math.max(0, ...args.map(depthOf)), bytes }
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

function withoutBytes(value: unknown, attachments: Uint8Array[]): unknown {
  if (value instanceof Uint8Array) {
    attachments.push(value.slice())
    return { _placeholder: true, num: attachments.length - 1 }
  }
  if (Array.isArray(value)) return value.map((entry) => withoutBytes(entry, attachments))
  return isPlain(value)
    ? Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withoutBytes(entry, attachments)]))
    : value
}

function withBytes(value: unknown, attachments: readonly Uint8Array[]): unknown {
  if (Array.isArray(value)) return value.map((entry) => withBytes(entry, attachments))
  if (!isPlain(value)) return value
  if (value['_placeholder'] === true && typeof value['num'] === 'number')
    return attachments[value['num']]?.slice()
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withBytes(entry, attachments)]))
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
