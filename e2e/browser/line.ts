/** A line to the server that can be cut: the server lives on, but nothing comes through. */
import { startFaultProxy } from '@belfry/testing'

export interface Line extends AsyncDisposable {
  /** The server under another port. Cookies do not know ports: whoever is signed in there is signed in here. */
  readonly url: string
  /** Breaks what is open and refuses what is new. */
  cut(): void
  mend(): void
}

export async function cuttableLine(to: string): Promise<Line> {
  const { protocol, hostname } = new URL(to)
  const proxy = await startFaultProxy({ to })
  const { port } = await proxy.line()
  return {
    // Under the name by which the server is known.
    url: `${protocol}//${hostname}:${port}`,
    cut: () => proxy.cut({ how: 'close' }),
    mend: () => proxy.mend(),
    [Symbol.asyncDispose]: () => proxy.close(),
  }
}
