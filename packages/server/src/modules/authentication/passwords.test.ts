/** Hashes of passwords: what is right, what is outdated, what costs as much, and how many are made at once. */
import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { createPasswords, defaultCost } from './passwords.ts'

const cheap = { log2n: 4, blockSize: 1, parallel: 1 }
const passwords = createPasswords({ cost: cheap, randomBytes })

it('knows a password again, and no other, each with a salt of its own', async () => {
  const [one, two] = [await passwords.hash('correct horse'), await passwords.hash('correct horse')]
  expect(one).toMatch(/^scrypt\$4\$1\$1\$[\w-]{22}\$[\w-]{43}$/)
  expect(one).not.toBe(two)
  expect(await passwords.compare('correct horse', one)).toBe('right')
  for (const wrong of ['correct horse ', 'Correct horse', '', 'x'.repeat(512)])
    expect(await passwords.compare(wrong, one)).toBe('wrong')
})

it('takes both spellings of a letter for the same', async () => {
  const stored = await passwords.hash('Zürich'.normalize('NFC'))
  expect(await passwords.compare('Zürich'.normalize('NFD'), stored)).toBe('right')
})

it.each([{ log2n: 5 }, { blockSize: 2 }, { parallel: 2 }])(
  'finds outdated what was made with %o',
  async (other) => {
    const stored = await createPasswords({ cost: { ...cheap, ...other }, randomBytes }).hash('correct horse')
    expect(await passwords.compare('correct horse', stored)).toBe('outdated')
    expect(await passwords.compare('wrong horse', stored)).toBe('wrong')
  },
)

it('takes nothing else for a hash', async () => {
  for (const stored of ['', 'correct horse', 'scrypt$4$1$1$$', 'scrypt$99$1$1$x$y', 'scrypt$4$1$1$a$b$c'])
    expect(await passwords.compare('correct horse', stored)).toBe('wrong')
  expect(await passwords.compare('correct horse', undefined)).toBe('wrong')
})

it('takes as long for a user that there is not', async () => {
  const real = createPasswords({ cost: { log2n: 12, blockSize: 8, parallel: 1 }, randomBytes })
  const stored = await real.hash('correct horse')
  const took = async (given: string | undefined) => {
    const began = performance.now()
    for (let n = 0; n < 5; n += 1) await real.compare('wrong horse', given)
    return performance.now() - began
  }
  await took(stored)
  const [known, unknown] = [await took(stored), await took(undefined)]
  // The same work; a comparison without it would take a thousandth.
  expect(unknown / known).toBeGreaterThan(0.2)
  expect(unknown / known).toBeLessThan(5)
})

it('makes two at once, lets fifty wait, and sends the others away', async () => {
  const attempts = Array.from({ length: 100 }, () => passwords.hash('correct horse'))
  const outcomes = await Promise.allSettled(attempts)
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(52)
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'too_many_requests' })
  expect(await passwords.hash('correct horse')).toMatch(/^scrypt/)
})

it('hashes with what is asked of scrypt today', async () => {
  const stored = await createPasswords({ randomBytes }).hash('correct horse')
  expect(stored).toMatch(/^scrypt\$15\$8\$3\$/)
  expect(2 ** defaultCost.log2n * defaultCost.blockSize * 128).toBe(32 * 1_024 * 1_024)
})
