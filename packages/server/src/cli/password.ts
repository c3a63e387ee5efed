/** Passwords at a terminal: typed unseen, or the first line of the input. Never an argument, which everybody may read. */
import { CommandFailure, Interrupted } from './command.ts'

interface PasswordInput extends NodeJS.ReadableStream {
  readonly isTTY?: boolean
  setRawMode?(isRaw: boolean): unknown
}

/** A password and its line break; what is longer was meant as something else. */
const inputBytesMax = 4_096

export async function askPassword(input: PasswordInput, output: NodeJS.WritableStream): Promise<string> {
  if (!input.isTTY) return firstLine(input)
  const password = await typed(input, output, 'Password: ')
  if ((await typed(input, output, 'Once more: ')) === password) return password
  throw new CommandFailure('The two passwords are not the same; nothing was changed.')
}

async function firstLine(input: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const piece of input) {
    text += String(piece)
    if (text.includes('\n') || text.length > inputBytesMax) break
  }
  if (text.length > inputBytesMax) throw new CommandFailure('The first line of the input is no password.')
  const [line = ''] = text.split(/\r?\n/, 1)
  if (line === '') throw new CommandFailure('Give the password as the first line of the input.')
  return line
}

/** Nothing of it is shown: not its characters, and not how many there are. */
function typed(input: PasswordInput, output: NodeJS.WritableStream, question: string): Promise<string> {
  output.write(question)
  input.setRawMode?.(true)
  input.resume()
  return new Promise((resolve, reject) => {
    let line = ''
    const end = (finish: () => void) => {
      input.off('data', read)
      input.setRawMode?.(false)
      input.pause()
      output.write('\n')
      finish()
    }
    const read = (piece: Buffer) => {
      for (const character of piece.toString()) {
        if (character === '\u0003') {
          end(() => reject(new Interrupted('Interrupted.')))
          return
        }
        if (character === '\r' || character === '\n' || character === '\u0004') {
          end(() => resolve(line))
          return
        }
        if (character === '\u007f' || character === '\b') line = [...line].slice(0, -1).join('')
        else if (line.length < inputBytesMax) line += character
      }
    }
    input.on('data', read)
  })
}
