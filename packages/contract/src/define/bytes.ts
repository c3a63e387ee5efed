/**
 * Bytes in a payload. They travel as they are, beside the JSON, and not as text.
 *
 *   z.object({ update: bytes({ maxBytes: 65_536 }) })
 *
 * A file of its own, since it needs zod when it runs.
 */
import { z } from 'zod'

/**
 * On Node bytes arrive as a Buffer, which is a Uint8Array. In documents they are a string of format `binary`, whose
 * length is counted in bytes.
 */
export function bytes({ maxBytes, minBytes = 0 }: { maxBytes: number; minBytes?: number }) {
  return z
    .custom<Uint8Array>(
      (value) => isBytes(value) && value.byteLength >= minBytes && value.byteLength <= maxBytes,
      `Send bytes: ${minBytes === 0 ? 'at most' : `${minBytes} to`} ${maxBytes}.`,
    )
    .meta({
      type: 'string',
      format: 'binary',
      contentMediaType: 'application/octet-stream',
      ...(minBytes === 0 ? {} : { minLength: minBytes }),
      maxLength: maxBytes,
    })
}

/** By its tag, as bytes of another realm (a worker, a test's page) are no instance of our Uint8Array. */
function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]'
}
