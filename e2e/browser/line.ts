/** A line to the server that can be cut: the server lives on, but nothing comes through. */
import { connect, createServer, type Socket } from 'node:net'

export interface Line extends AsyncDisposable {
  /** The server under another port. Cookies do not know ports: whoever is signed in there is signed in here. */
  readonly url: string
  /** Breaks what is open and refuses what is new. */
  cut(): void
  mend(): void
}

export async function cuttableLine(to: string): Promise<Line> {
  const target = new URL(to)
  const open = new Set<Socket>()
  let whole = true
  const server = createServer((near) => {
    if (!whole) {
      near.destroy()
      return
    }
    const far = connect(Number(target.port), target.hostname)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
    }
  })
  const cut = (): void => {
    whole = false
    for (const socket of open) socket.destroy()
  }
  await new Promise<void>((resolve) => server.listen(0, target.hostname, resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The line has no port.')
  return {
    url: `${target.protocol}//${target.hostname}:${address.port}`,
    cut,
    mend: () => {
      whole = true
    },
    async [Symbol.asyncDispose]() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
