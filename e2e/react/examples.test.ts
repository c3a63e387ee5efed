/** What docs/react.md shows is what a compiler has read, and what is built is what a server component may import. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { repository } from '../product.ts'

const read = (path: string) => readFileSync(join(repository, path), 'utf8')

it('the examples of the document are those of examples.tsx', () => {
  const examples = [...read('docs/react.md').matchAll(/^```tsx\n([\s\S]*?)^```$/gm)].map(
    ([, code = '']) => code,
  )
  expect(examples.length).toBeGreaterThan(2)
  const compiled = read('e2e/react/examples.tsx')
  for (const example of examples) expect(compiled).toContain(example)
})

it('what is built says first that it is for clients', () => {
  expect(read('packages/react/dist/index.js')).toMatch(/^['"]use client['"]/)
})
