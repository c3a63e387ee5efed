import { describe, expect, it } from 'vitest'
import { type Statement, sql } from './sql.ts'

describe('sql', () => {
  it('makes a parameter of every value', () => {
    const statement = sql`select * from t where a = ${1} and b = ${"'; drop table t; --"}`
    expect(statement.text).toBe('select * from t where a = $1 and b = $2')
    expect(statement.values).toEqual([1, "'; drop table t; --"])
  })

  it('keeps null, undefined, arrays and objects as values', () => {
    const values = [null, undefined, [1, 2], { a: 1 }, new Date(0), Buffer.from('x')]
    expect(sql`${values[0]} ${values[1]} ${values[2]} ${values[3]} ${values[4]} ${values[5]}`.values).toEqual(
      values,
    )
  })

  it('gives the same name to the same place with other values', () => {
    const byId = (id: number) => sql`select 1 from same_place where id = ${id}`
    expect(byId(1).name).toMatch(/^s\d+$/)
    expect(byId(2).name).toBe(byId(1).name)
    expect(byId(2).values).toEqual([2])
  })

  it('gives the same name to the same text at two places, and another to another text', () => {
    const one = sql`select 1 from two_places where id = ${1}`
    const two = sql`select 1 from two_places where id = ${2}`
    const other = sql`select 2 from two_places where id = ${2}`
    expect(two.name).toBe(one.name)
    expect(other.name).not.toBe(one.name)
  })

  it('nests statements and numbers their parameters in the order of the text', () => {
    const inner = sql`b = ${'b'} or c = ${'c'}`
    const statement = sql`select ${0} where a = ${'a'} and (${inner}) and d = ${'d'}`
    expect(statement.text).toBe('select $1 where a = $2 and (b = $3 or c = $4) and d = $5')
    expect(statement.values).toEqual([0, 'a', 'b', 'c', 'd'])
  })

  it('nests several levels, statements side by side, and the same statement twice', () => {
    const leaf = sql`x = ${1}`
    const middle = sql`(${leaf}${sql.raw(' or ')}${leaf})`
    const statement = sql`${middle} and ${leaf}`
    expect(statement.text).toBe('(x = $1 or x = $2) and x = $3')
    expect(statement.values).toEqual([1, 1, 1])
    expect(leaf.text).toBe('x = $1')
  })

  it('never takes a dollar sign in a text for a parameter', () => {
    const literal = sql`a ~ '^\d+$1' and b = ${'b'}`
    const statement = sql`select ${'first'} where ${literal} and c = ${'c'} and d = $tag$ $9 $tag$`
    expect(statement.text).toBe("select $1 where a ~ '^\\d+$1' and b = $2 and c = $3 and d = $tag$ $9 $tag$")
    expect(statement.values).toEqual(['first', 'b', 'c'])
  })

  it('sends backslashes as they stand', () => {
    expect(sql`select '\d\n\u'`.text).toBe(String.raw`select '\d\n\u'`)
  })

  it('quotes identifiers', () => {
    expect(sql`select * from ${sql.identifier('od"d; --')}`.text).toBe('select * from "od""d; --"')
    expect(() => sql.identifier('')).toThrow(TypeError)
    expect(() => sql.identifier('a\0b')).toThrow(TypeError)
  })

  it('joins', () => {
    const conditions = [sql`a = ${1}`, sql`b`, sql`c = ${3}`]
    const statement = sql`select 1 where ${sql.join(conditions, ' and ')} limit ${10}`
    expect(statement.text).toBe('select 1 where a = $1 and b and c = $2 limit $3')
    expect(statement.values).toEqual([1, 3, 10])
    expect(sql.join([sql`${1}`, sql`${2}`]).text).toBe('$1, $2')
    expect(sql.join([sql`a`]).text).toBe('a')
    expect(sql.join([]).text).toBe('')
  })

  it('names a composed statement by its text', () => {
    const filtered = (filter: Statement) => sql`select 1 from composed where ${filter}`
    expect(filtered(sql`a = ${1}`).name).toBe(filtered(sql`a = ${2}`).name)
    expect(filtered(sql`a = ${1}`).name).not.toBe(filtered(sql`b = ${1}`).name)
  })

  it('recognises a statement that another copy of this file made', async () => {
    const copy: { sql: typeof sql } = await import('./sql.ts?copy' as string)
    expect(copy.sql).not.toBe(sql)
    expect(sql`select ${copy.sql`a = ${1}`}`.text).toBe('select a = $1')
  })

  it('gives a fragment that is only nested no name', () => {
    const fragments = Array.from({ length: 1500 }, (_, index) => sql.identifier(`column_${index}`))
    expect(sql`select ${sql.join(fragments)} from fragments`.name).not.toBe('')
  })

  // Last: it uses up what is shared by all tests of this file.
  it('sends unnamed what would fill the connections: texts made from data', () => {
    const before = sql`select 1 from used_before where ${sql`a`}`
    const kept = before.name
    const names = Array.from({ length: 1500 }, (_, index) => sql.raw(`select ${index} from data`).name)
    expect(new Set(names.slice(0, 900)).size).toBe(900)
    expect(names.at(-1)).toBe('')
    expect(before.name).toBe(kept)
    expect(sql`select 'a template seen late'`.name).not.toBe('')
  })
})
