import { expect, it } from 'vitest'
import { createMemoryLocks } from '../testing/memory-locks.ts'
import { hold } from './locks.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))

function world() {
  const locks = createMemoryLocks()
  const said: string[] = []
  const take = (name: string, options = {}) =>
    hold(
      locks,
      'the lock',
      { onHeld: () => said.push(`${name} has it`), onLost: () => said.push(`${name} lost it`) },
      options,
    )
  return { locks, said, take }
}

it('waits in turn, and holds it until it is released', async () => {
  const { locks, said, take } = world()
  const release = take('one')
  take('two')
  await settled()
  expect(said).toEqual(['one has it'])
  release()
  await settled()
  expect(said).toEqual(['one has it', 'two has it'])
  expect(locks.held()).toEqual(['the lock'])
})

it('that is given up before it is had is not had, and nobody waits for it', async () => {
  const { locks, said, take } = world()
  take('one')()
  await settled()
  expect(locks.held()).toEqual([])
  take('two')
  take('three')()
  await settled()
  expect(locks.waiting('the lock')).toBe(0)
  expect(said).toEqual(['two has it'])
})

it('is taken away by who does not wait, and lost for good', async () => {
  const { locks, said, take } = world()
  const release = take('one')
  await settled()
  take('two', { steal: true })
  await settled()
  expect(said.toSorted()).toEqual(['one has it', 'one lost it', 'two has it'])
  release()
  await settled()
  expect(locks.held()).toEqual(['the lock'])
  expect(said).toHaveLength(3)
})

it('may be released by whoever hears that it is had', async () => {
  const locks = createMemoryLocks()
  const release = hold(locks, 'the lock', { onHeld: () => release() })
  await settled()
  expect(locks.held()).toEqual([])
})
