/** What a person at a terminal sees: steps with their times, colours where they are wanted, one-sentence errors. */
export interface Terminal {
  /** A line of output; scripts may read it. */
  print(line?: string): void
  /** Says that something takes place; replaced by the next call in a terminal, silent elsewhere. */
  progress(message: string): void
  /** Ends the progress before it with what came of it. */
  done(message: string): void
  /** A sentence about what is in the way, and its code in docs/errors.md. */
  fail(sentence: string, code?: string): void
  readonly style: Style
}

export interface Style {
  bold(text: string): string
  dim(text: string): string
  green(text: string): string
  red(text: string): string
  link(text: string): string
}

export function createTerminal(
  output: NodeJS.WriteStream,
  errors: NodeJS.WriteStream,
  environment: NodeJS.ProcessEnv,
): Terminal {
  const isCapable = environment['TERM'] !== 'dumb'
  const style = createStyle(output, environment)
  const errorStyle = createStyle(errors, environment)
  let pending = false
  const clear = () => {
    if (pending) output.write('\r\u001b[K')
    pending = false
  }
  return {
    style,
    print(line = '') {
      clear()
      output.write(`${line}\n`)
    },
    progress(message) {
      if (!output.isTTY || !isCapable) return
      clear()
      output.write(`  ${style.dim('…')} ${message}`)
      pending = true
    },
    done(message) {
      clear()
      output.write(`  ${style.green('✔')} ${message}\n`)
    },
    fail(sentence, code) {
      clear()
      const suffix = code === undefined ? '' : ` ${errorStyle.dim(`[${code}]`)}`
      errors.write(`${errorStyle.red('✖')} ${sentence}${suffix}\n`)
    },
  }
}

function createStyle({ isTTY }: NodeJS.WriteStream, environment: NodeJS.ProcessEnv): Style {
  // https://no-color.org
  const colour = isTTY && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb'
  const paint = (open: number, close: number) => (text: string) =>
    colour ? `\u001b[${open}m${text}\u001b[${close}m` : text
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    green: paint(32, 39),
    red: paint(31, 39),
    link: paint(36, 39),
  }
}
