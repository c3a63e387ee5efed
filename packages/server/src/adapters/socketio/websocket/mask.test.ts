import { expect, it } from 'vitest'
import { MaskedMemory, maskFor, notAscii } from './mask.ts'
import { SeededRandom } from './testing/random.ts'

it('unmasks any range, says whether it was ASCII, and leaves the rest alone', () => {
  const random = new SeededRandom(3)
  for (let size = 0; size < 24; size++) {
    for (let from = 0; from <= size; from++) {
      for (let to = from; to <= size; to++) {
        const memory = new MaskedMemory(size)
        const frame = random.bytes(8)
        const maskAt = random.below(5)
        const plain = random.bytes(size).map((byte) => byte & 0x7f)
        const wide = from < to && random.chance(0.7) ? from + random.below(to - from) : -1
        if (wide >= 0) plain[wide] = 0x80 + random.below(128)
        // Beyond the range nothing is ASCII, so that a look too far is seen.
        const expected = plain.map((byte, at) => (at < from || at >= to ? byte | 0x80 : byte))
        expected.forEach((byte, at) => {
          const masked = at >= from && at < to
          memory.bytes[at] = masked ? byte ^ (frame[maskAt + ((at - from) % 4)] ?? 0) : byte
        })
        const seen = memory.unmask(from, to, maskFor(frame, maskAt, from))
        const where = `size ${size}, from ${from} to ${to}`
        expect(memory.bytes.equals(expected), where).toBe(true)
        expect((seen & notAscii) !== 0, where).toBe(wide >= 0)
      }
    }
  }
})
