/**
 * `/healthz` says whether the process lives, `/readyz` whether it can do its work. Both say 503 once the server is
 * stopping, so that a load balancer sends nobody here any more.
 */
import type { FastifyInstance } from 'fastify'

export interface ReadinessCheck {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

export interface HealthOptions {
  readiness(): Promise<readonly ReadinessCheck[]>
  isStopping(): boolean
}

export function serveHealth(app: FastifyInstance, options: HealthOptions): void {
  app.get('/healthz', async (_request, reply) => {
    const stopping = options.isStopping()
    return reply
      .code(stopping ? 503 : 200)
      .header('cache-control', 'no-store')
      .send({ status: stopping ? 'stopping' : 'alive' })
  })

  app.get('/readyz', async (_request, reply) => {
    const checks = [stoppingCheck(options.isStopping()), ...(await runChecks(options))]
    const ready = checks.every((check) => check.ok)
    return reply
      .code(ready ? 200 : 503)
      .header('cache-control', 'no-store')
      .send({ status: ready ? 'ready' : 'not ready', checks })
  })
}

/** A check that hangs is a check that failed: probes usually give up after a few seconds themselves. */
const checksMs = 3_000

function stoppingCheck(stopping: boolean): ReadinessCheck {
  return {
    name: 'server',
    ok: !stopping,
    detail: stopping ? 'This server is stopping.' : 'This server accepts requests.',
  }
}

async function runChecks(options: HealthOptions): Promise<readonly ReadinessCheck[]> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<readonly ReadinessCheck[]>((resolve) => {
    const detail = `The checks did not answer within ${checksMs / 1000} s.`
    timer = setTimeout(() => resolve([{ name: 'checks', ok: false, detail }]), checksMs)
  })
  try {
    return await Promise.race([options.readiness(), tooLate])
  } catch {
    return [{ name: 'checks', ok: false, detail: 'The checks could not be run.' }]
  } finally {
    clearTimeout(timer)
  }
}
