/**
 * How long it takes until a notification is seen: from the request over REST to the number in the bell of a page.
 *
 *   node --conditions=source bench/bell.ts [--save] [--count 500]
 *
 * The product runs in a process of its own with its own PostgreSQL, the page in Chromium, and all share the machine. The
 * page itself sends the request, so that one clock takes both times: from `fetch` to the change of the document.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Page } from 'playwright-core'
import { launch } from '../e2e/browser/browser.ts'
import { bundled } from '../e2e/react/bundle.ts'
import { issueToken } from '../packages/server/src/adapters/tokens/issue-token.ts'
import { startChild } from '../packages/testing/src/bench/processes.ts'
import type { ServerCalls } from './notifications/server.ts'

const secret = 'the secret of this bench, with 32 bytes or more'
const goalMs = 50
const targetMs = 20
/** Before anything is counted: connection, code and caches are warm then. */
const warmUps = 50

const { values } = parseArgs({
  options: { save: { type: 'boolean' }, count: { type: 'string', default: '500' } },
})
const count = Number(values.count)
const load = os.loadavg()[0]
const server = await startChild<ServerCalls>(join(import.meta.dirname, 'notifications', 'server.ts'))
const browser = await launch()
try {
  const page = await openPage(await server.call('address', null))
  await measure(page, warmUps)
  const took = (await measure(page, count)).toSorted((a, b) => a - b)
  const at = (share: number) => took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? Number.NaN
  const [p50, p95, p99] = [at(0.5), at(0.95), at(0.99)]
  const verdict = p95 < goalMs ? `< ${goalMs} ms` : `< ${goalMs} ms, **missed**`
  const text = `# The bell

The product with its own PostgreSQL in one process, a page of \`@belfry/react\` in Chromium ${browser.version()}, on the same
machine. One run: ${count} notifications, one after the other.
${os.cpus()[0]?.model}, ${os.cpus().length} cores, ${os.type()} ${os.release()} (load ${load?.toFixed(1)} before the run). Node ${process.versions.node}. ${new Date().toISOString().slice(0, 10)}, commit ${execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()}.
Made by \`node --conditions=source bench/bell.ts\`.

| | seen | goal |
|---|---|---|
| request to the number in the bell, p50 | ${p50.toFixed(1)} ms | |
| request to the number in the bell, p95 | ${p95.toFixed(1)} ms | ${verdict}, and better ${targetMs} ms |
| request to the number in the bell, p99 | ${p99.toFixed(1)} ms | |
`
  console.log(text)
  if (values.save === true) writeFileSync(join(import.meta.dirname, 'results/bell.md'), text)
} finally {
  await browser.close()
  await server.call('stop', null)
  await server.stop()
}

async function openPage(address: string): Promise<Page> {
  const script = bundled(join(import.meta.dirname, 'bell/page.tsx'), 'production')
  const styles = readFileSync(join(import.meta.dirname, '../packages/react/styles.css'), 'utf8')
  const tokenOf = (claims: { sub: string; permissions?: string[] }) =>
    issueToken({ secret, claims, expiresInSeconds: 3_600, now: Date.now })
  const context = await browser.newContext()
  await context.grantPermissions(['local-network-access'])
  // Of the product's own origin, as an application beside it would be.
  await context.route('**/bench/**', (route) => {
    const { pathname } = new URL(route.request().url())
    if (pathname.endsWith('.js')) return route.fulfill({ contentType: 'text/javascript', body: script })
    if (pathname.endsWith('.css')) return route.fulfill({ contentType: 'text/css', body: styles })
    return route.fulfill({
      contentType: 'text/html',
      body: `<!doctype html><meta charset="utf-8"><title>The bell</title>
        <link rel="stylesheet" href="/bench/styles.css"><div id="root"></div>
        <script type="module" src="/bench/page.js"></script>`,
    })
  })
  const page = await context.newPage()
  const tokens = {
    ana: tokenOf({ sub: 'ana' }),
    sender: tokenOf({ sub: 'program', permissions: ['notifications:send'] }),
  }
  await page.addInitScript((given) => Object.assign(window, { tokens: given }), tokens)
  await page.goto(`${address}/bench/`)
  await page.locator('.belfry-status[data-kind="online"]').waitFor()
  return page
}

/** Milliseconds of each. */
function measure(page: Page, times: number): Promise<number[]> {
  return page.evaluate(async (rounds) => {
    const { tokens } = window as unknown as { tokens: { sender: string } }
    const bell = document.querySelector('.belfry-bell') as Element
    const took: number[] = []
    for (let n = 0; n < rounds; n += 1) {
      const before = bell.textContent
      const seen = new Promise<number>((resolve) => {
        const watcher = new MutationObserver(() => {
          if (bell.textContent === before) return
          watcher.disconnect()
          resolve(performance.now())
        })
        watcher.observe(bell, { childList: true, subtree: true, characterData: true })
      })
      const began = performance.now()
      const answer = fetch('/api/v1/notifications', {
        method: 'POST',
        headers: { authorization: `Bearer ${tokens.sender}`, 'content-type': 'application/json' },
        body: JSON.stringify({ userId: 'ana', type: 'bench', title: `Number ${n}` }),
      })
      took.push((await seen) - began)
      await (await answer).json()
    }
    return took
  }, times)
}
