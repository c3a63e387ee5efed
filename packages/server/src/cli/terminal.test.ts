import { describe, expect, it } from 'vitest'
import { createTerminal } from './terminal.ts'

const esc = '\u001b'
const clearLine = `\r${esc}[K`

/** What a stream was given, in place of a terminal, a file or a pipe. */
function recorder(isTTY: boolean) {
  let written = ''
  const stream = {
    isTTY,
    write(text: string) {
      written += text
      return true
    },
  } as unknown as NodeJS.WriteStream
  return { stream, written: () => written }
}

function open(environment: NodeJS.ProcessEnv = {}, outputIsTTY = true, errorsIsTTY = outputIsTTY) {
  const [output, errors] = [recorder(outputIsTTY), recorder(errorsIsTTY)]
  const terminal = createTerminal(output.stream, errors.stream, environment)
  return { terminal, output: output.written, errors: errors.written }
}

describe('a terminal', () => {
  it('shows progress on one line, which the next words replace', () => {
    const { terminal, output } = open({ NO_COLOR: '1' })
    terminal.progress('one')
    terminal.progress('two')
    terminal.done('three')
    terminal.print('four')
    terminal.print()
    expect(output()).toBe(`  … one${clearLine}  … two${clearLine}  ✔ three\nfour\n\n`)
  })

  it('clears progress before a sentence about what is in the way, which goes to the errors', () => {
    const { terminal, output, errors } = open({ NO_COLOR: '1' })
    terminal.progress('one')
    terminal.fail('It is not there.')
    terminal.fail('Nor is this.', 'its_code')
    expect(output()).toBe(`  … one${clearLine}`)
    expect(errors()).toBe('✖ It is not there.\n✖ Nor is this. [its_code]\n')
  })

  it('is coloured, unless NO_COLOR or a dumb terminal ask for none', () => {
    const coloured = (environment: NodeJS.ProcessEnv) => {
      const { terminal, output, errors } = open(environment)
      terminal.print(terminal.style.bold('x'))
      terminal.done('x')
      terminal.fail('x')
      return [output().includes(esc), errors().includes(esc)]
    }
    expect(coloured({})).toEqual([true, true])
    expect(coloured({ NO_COLOR: '', TERM: 'xterm' })).toEqual([true, true])
    expect(coloured({ NO_COLOR: '1' })).toEqual([false, false])
    expect(coloured({ NO_COLOR: 'false' })).toEqual([false, false])
    expect(coloured({ TERM: 'dumb' })).toEqual([false, false])
  })

  it('closes each colour it opens', () => {
    const { style } = open().terminal
    expect(style.bold('x')).toBe(`${esc}[1mx${esc}[22m`)
    expect(style.dim('x')).toBe(`${esc}[2mx${esc}[22m`)
    for (const paint of [style.green, style.red, style.link])
      expect(paint('x')).toMatch(new RegExp(`^${esc}\\[3[126]mx${esc}\\[39m$`))
  })

  it('that is dumb gets no progress, which it could not replace', () => {
    const { terminal, output } = open({ TERM: 'dumb' })
    terminal.progress('one')
    terminal.done('two')
    expect(output()).toBe('  ✔ two\n')
  })
})

describe('a file or a pipe', () => {
  it('gets lines without colours and without progress', () => {
    const { terminal, output, errors } = open({ TERM: 'xterm' }, false)
    terminal.progress('one')
    terminal.done(terminal.style.link('two'))
    terminal.fail('three')
    expect(output()).toBe('  ✔ two\n')
    expect(errors()).toBe('✖ three\n')
  })

  it('beside a terminal gets no colours; the terminal has them', () => {
    const toFile = open({}, true, false)
    toFile.terminal.fail('x', 'y')
    expect(toFile.errors()).toBe('✖ x [y]\n')
    const toTerminal = open({}, false, true)
    toTerminal.terminal.fail('x')
    expect(toTerminal.errors()).toContain(esc)
    toTerminal.terminal.done('x')
    expect(toTerminal.output()).not.toContain(esc)
  })
})
