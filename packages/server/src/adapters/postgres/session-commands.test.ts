import { describe, expect, it } from 'vitest'
import { refuseSessionCommand } from './session-commands.ts'

const passes = (text: string, place: 'alone' | 'in a transaction') => {
  try {
    refuseSessionCommand(text, place)
    return true
  } catch {
    return false
  }
}

describe('session commands', () => {
  it.each([
    'begin',
    'BEGIN',
    '  start transaction',
    '-- a comment\n/* another\none */ commit',
    'rollback',
    'set search_path = x',
    'reset all',
    'copy t from stdin',
    'listen x',
    'discard all',
    'prepare transaction $$x$$',
  ])('"%s" passes nowhere', (text) => {
    expect(passes(text, 'alone')).toBe(false)
    expect(passes(text, 'in a transaction')).toBe(false)
  })

  it.each([
    'savepoint a',
    'release a',
    'rollback to savepoint a',
    'ROLLBACK WORK TO a',
    "set local lock_timeout = '1s'",
    'set constraints all immediate',
    'set transaction isolation level serializable',
    'declare c cursor for select 1',
  ])('"%s" passes in a transaction alone', (text) => {
    expect(passes(text, 'alone')).toBe(false)
    expect(passes(text, 'in a transaction')).toBe(true)
  })

  it.each([
    'select 1',
    'with a as (select 1) select',
    'insert into t',
    'notify x',
    'settings',
    '',
    '(select 1)',
  ])('"%s" passes everywhere', (text) => {
    expect(passes(text, 'alone')).toBe(true)
    expect(passes(text, 'in a transaction')).toBe(true)
  })
})
