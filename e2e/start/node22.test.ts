/** The published packages promise Node 22: the built server and its commands, run by the oldest one. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ensureNode22 } from '../../tooling/node22.ts'
import { runProduct, startProduct, temporaryDirectory } from '../product.ts'

it('starts, signs in, is backed up, restored and stopped under Node 22', async () => {
  const node = ensureNode22()
  const dataDirectory = temporaryDirectory()
  const other = temporaryDirectory()
  try {
    const product = await startProduct({ dataDirectory, node })
    try {
      const session = await fetch(`${product.url}/api/v1/access/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: product.url },
        body: JSON.stringify({ token: product.signInLink.split('#token=')[1] }),
      })
      expect(session.status).toBe(200)
      const cookie = (session.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
      const overview = await fetch(`${product.url}/api/v1/system/overview`, { headers: { cookie } })
      expect(await overview.json()).toMatchObject({ nodeVersion: expect.stringMatching(/^22\./) })
      const backup = runProduct(['backup', join(other, 'backup')], { dataDirectory, node })
      expect(backup, backup.output).toMatchObject({ code: 0 })
      const restore = runProduct(['restore', join(other, 'backup')], {
        dataDirectory: join(other, 'data'),
        node,
      })
      expect(restore, restore.output).toMatchObject({ code: 0 })
    } finally {
      await product.stop()
    }
    expect(product.output()).not.toMatch(/warning/i)
  } finally {
    for (const directory of [dataDirectory, other]) rmSync(directory, { recursive: true, force: true })
  }
})
