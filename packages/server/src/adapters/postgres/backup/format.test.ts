import { describe, expect, it } from 'vitest'
import { decodeFrames, encodeFrame, type Frame, seal, unseal } from './format.ts'

const frames: Frame[] = [
  { kind: 'table', content: { schema: 'public', name: 'odd "name"', columns: ['ü', ''] } },
  { kind: 'data', content: Buffer.from('1\tone\n') },
  { kind: 'data', content: Buffer.alloc(0) },
  { kind: 'data', content: Buffer.alloc(70_000, 7) },
  { kind: 'end', content: { rows: 1 } },
  { kind: 'sequences', content: [] },
  { kind: 'footer', content: { tables: 1, rows: 1 } },
]
const encoded = Buffer.concat(frames.flatMap((frame) => [...encodeFrame(frame)]))

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
async function decode(bytes: Buffer, size = 1000): Promise<Frame[]> {
  const decoded: Frame[] = []
  for await (const frame of decodeFrames(pieces(bytes, size))) decoded.push(frame)
  return decoded
}

describe('frames', () => {
  it('come back as they went, whatever pieces they arrive in', async () => {
    for (const size of [1, 3, 5, 6, 64, 4096, 69_999, encoded.length]) {
      expect(await decode(encoded, size), `pieces of ${size}`).toEqual(frames)
    }
  })

  it.each([
    ['an unknown letter', Buffer.from('X\0\0\0\0')],
    ['a length beyond the bound', Buffer.from([68, 0xff, 0xff, 0xff, 0xff])],
    ['half a head', Buffer.from('D\0')],
    ['half a frame', Buffer.from('D\0\0\0\u0005abc')],
    ['no JSON', Buffer.from('E\0\0\0\u0001{')],
    ['JSON of another shape', Buffer.from('E\0\0\0\u0002{}')],
  ])('of %s are refused', async (_, bytes) => {
    await expect(decode(bytes)).rejects.toMatchObject({ code: 'backup_invalid' })
  })
})

describe('the seal', () => {
  it('comes off only what it was put on', async () => {
    const content = Buffer.from('some content of a file')
    for (const size of [1, 7, 48, 49, 1000]) {
      const sealing = seal()
      sealing.end(content)
      const sealed = Buffer.concat(await sealing.toArray())
      expect(sealed.length).toBe(content.length + 48)
      const unsealing = unseal()
      for await (const piece of pieces(sealed, size)) unsealing.write(piece)
      unsealing.end()
      expect(Buffer.concat(await unsealing.toArray())).toEqual(content)
    }
    const none = unseal()
    none.end(Buffer.from('never sealed'))
    await expect(none.toArray()).rejects.toMatchObject({ code: 'backup_invalid' })
  })
})
