/** Thousands of ends in one moment: a few milliseconds of each turn, in order, and nobody is forgotten. */
import { describe, expect, it } from 'vitest'
import { Endings } from './endings.ts'

function open(costMs: number) {
  let nowMs = 0
  let next: (() => void)[] = []
  const ended: number[] = []
  const endings = new Endings({ now: () => nowMs, next: (action) => next.push(action) })
  return {
    ended,
    add: (number: number) =>
      endings.add({
        end() {
          nowMs += costMs
          ended.push(number)
        },
      }),
    turn() {
      const due = next
      next = []
      for (const action of due) action()
      return due.length
    },
  }
}

const numbersTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

describe('endings', () => {
  it('take place at once where there are few', () => {
    const { ended, add } = open(0.5)
    for (const number of numbersTo(8)) add(number)
    expect(ended).toEqual(numbersTo(8))
  })

  it('have so much of each turn, and come in order', () => {
    const { ended, add, turn } = open(0.5)
    for (const number of numbersTo(30)) add(number)
    expect(ended).toEqual(numbersTo(8))
    turn()
    expect(ended).toEqual(numbersTo(16))
    add(31)
    expect(ended).toEqual(numbersTo(16))
    turn()
    turn()
    expect(ended).toEqual(numbersTo(31))
    // Nothing is left that would keep the loop busy.
    turn()
    expect(turn()).toBe(0)
    add(32)
    expect(ended).toEqual(numbersTo(32))
  })

  it('take one at least, however long it takes', () => {
    const { ended, add, turn } = open(50)
    for (const number of numbersTo(3)) add(number)
    expect(ended).toEqual([1])
    turn()
    expect(ended).toEqual([1, 2])
    turn()
    expect(ended).toEqual([1, 2, 3])
  })
})
