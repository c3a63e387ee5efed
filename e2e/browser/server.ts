/** The product under the browser's tests. */
import { runProduct, startProduct as start } from '../product.ts'

export interface TestedProduct {
  readonly url: string
  /** A new link that signs in, once. */
  signInLink(): Promise<string>
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
    stop: () => product.stop(),
  }
}
