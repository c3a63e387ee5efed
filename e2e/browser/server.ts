/** The product under the browser's tests. */
import { runProduct, startProduct as start } from '../product.ts'

export interface TestedProduct {
  readonly url: string
  /** A new link that signs in, once. */
  signInLink(): Promise<string>
  /** A token that its sockets accept, made as `belfry token` makes it. */
  token(words: readonly string[]): string
  stop(): Promise<void>
}

export async function startProduct(): Promise<TestedProduct> {
  const product = await start()
  let first: string | undefined = product.signInLink
  return {
    url: product.url,
    async signInLink() {
      if (first !== undefined) {
        const link = first
        first = undefined
        return link
      }
      const { dataDirectory } = product
      const { output } = runProduct(['link'], {
        dataDirectory,
        environment: { PORT: new URL(product.url).port },
      })
      return output.trim()
    },
    token(words) {
      const { dataDirectory } = product
      const { code, output } = runProduct(['token', ...words], { dataDirectory })
      if (code !== 0) throw new Error(`No token was made: ${output}`)
      return output.trim()
    },
    stop: () => product.stop(),
  }
}
