import { expect, it } from 'vitest'
import { isLater } from './positions.ts'

it.each([
  ['e.10', 'e.9', true],
  ['e.9', 'e.10', false],
  ['e.9', 'e.9', false],
  ['f.1', 'e.9', true],
])('%s came after %s: %s', (one, other, expected) => {
  expect(isLater(one, other)).toBe(expected)
})
