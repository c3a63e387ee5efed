/** Current values: the newest of each key and room, and no more than may be kept. */
import { type Room, roomName } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { type LatestValue, LatestValues } from './latest-values.ts'

const room = (id: string): Room => roomName({ kind: 'episode', id })
const value = (key: string, json: string, name = 'post:progress'): LatestValue => ({
  name,
  key,
  json,
  attachments: [],
  at: '2030-01-01T00:00:00.000Z',
})
const of = (values: LatestValues, id: string) =>
  values.since([room(id)], 0).map(({ value: { json } }) => json)

describe('latest values', () => {
  it('keeps the newest of each key, name and room', () => {
    const values = new LatestValues()
    values.set(room('1'), value('a', '1'))
    values.set(room('1'), value('b', '2'))
    values.set(room('1'), value('a', '3', 'post:other'))
    values.set(room('2'), value('a', '4'))
    values.set(room('1'), value('a', '5'))
    expect(of(values, '1').toSorted()).toEqual(['2', '3', '5'])
    expect(of(values, '2')).toEqual(['4'])
    expect(of(values, '3')).toEqual([])
    expect(values.size).toBe(4)
  })

  it('keeps 10,000, and forgets those that were not renewed for longest', () => {
    const values = new LatestValues()
    for (let n = 1; n <= 10_000; n += 1) values.set(room(`${n % 100}`), value(`${n}`, `${n}`))
    expect(values.size).toBe(10_000)
    values.set(room('1'), value('1', 'renewed'))
    values.set(room('new'), value('x', 'x'))
    values.set(room('new'), value('y', 'y'))
    expect(values.size).toBe(10_000)
    expect(of(values, 'new')).toEqual(['x', 'y'])
    // 2 and 3 are gone, 1 was renewed.
    expect(of(values, '2')).not.toContain('2')
    expect(of(values, '3')).not.toContain('3')
    expect(of(values, '1')).toContain('renewed')
    for (let n = 0; n < 10_000; n += 1) values.set(room('last'), value(`${n}`, `${n}`))
    expect(values.size).toBe(10_000)
    expect(of(values, 'new')).toEqual([])
    expect(of(values, 'last')).toHaveLength(10_000)
  })

  it('keeps sixteen million characters, bytes included, and counts what was replaced once', () => {
    const values = new LatestValues()
    const million = 'x'.repeat(1_024 * 1_024)
    for (let n = 0; n < 100; n += 1)
      values.set(room('1'), value('a', `${million}${n}`.slice(-million.length)))
    expect(values.size).toBe(1)
    for (let n = 0; n < 15; n += 1) values.set(room('2'), value(`${n}`, million))
    expect(values.size).toBe(16)
    values.set(room('3'), { ...value('b', '{}'), attachments: [new Uint8Array(1_024 * 1_024)] })
    expect(of(values, '1')).toEqual([])
    // Two characters too many: another one has to go.
    expect(values.size).toBe(15)
    expect(of(values, '2')).toHaveLength(14)
    values.set(room('4'), value('c', million.repeat(16)))
    expect(values.size).toBe(1)
    values.set(room('5'), value('d', `${million.repeat(16)}x`))
    expect(values.size).toBe(0)
    values.set(room('6'), value('e', '6'))
    expect(of(values, '6')).toEqual(['6'])
  })

  it('tells what was renewed since, of several rooms, in that order', () => {
    const values = new LatestValues()
    values.set(room('1'), value('a', '1'))
    values.set(room('2'), value('a', '2'))
    values.set(room('3'), value('a', '3'))
    const seen = values.number
    values.set(room('2'), value('b', '4'))
    values.set(room('1'), value('a', '5'))
    const since = (number: number) =>
      values.since([room('1'), room('2')], number).map(({ value: { json } }) => json)
    expect(since(seen)).toEqual(['4', '5'])
    expect(since(0)).toEqual(['2', '4', '5'])
    expect(since(values.number)).toEqual([])
  })
})
