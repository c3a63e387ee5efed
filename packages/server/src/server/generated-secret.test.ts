import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { generatedSecret } from './generated-secret.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'belfry-secret-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

describe('a generated secret', () => {
  it('is made once, long, for its owner’s eyes only, and found again', () => {
    const path = join(directory, 'jwt-secret')
    const secret = generatedSecret(path)
    expect(secret).toMatch(/^[\w-]{64}$/)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path, 'utf8')).toBe(secret)
    expect(generatedSecret(path)).toBe(secret)
    expect(readdirSync(directory)).toEqual(['jwt-secret'])
    expect(generatedSecret(join(directory, 'other'))).not.toBe(secret)
  })

  it('may be the operator’s own, with a line feed behind it', () => {
    const path = join(directory, 'jwt-secret')
    writeFileSync(path, `${'s'.repeat(32)}\n`)
    expect(generatedSecret(path)).toBe('s'.repeat(32))
  })

  it('is not taken when it is empty or so short that it could be guessed', () => {
    for (const content of ['', '\n', 's'.repeat(31), ` ${'s'.repeat(31)} `]) {
      const path = join(directory, 'jwt-secret')
      writeFileSync(path, content)
      expect(() => generatedSecret(path), JSON.stringify(content)).toThrow(
        expect.objectContaining({
          code: 'data_directory_incomplete',
          message: expect.stringContaining(path),
        }),
      )
      expect(readFileSync(path, 'utf8')).toBe(content)
    }
  })

  it('cannot be made where there is no directory, and leaves nothing', () => {
    expect(() => generatedSecret(join(directory, 'nowhere', 'jwt-secret'))).toThrow(/ENOENT/)
    expect(readdirSync(directory)).toEqual([])
  })

  it('is one, whichever of eight processes that race for it was first', async () => {
    const rounds = 20
    const racers = Array.from({ length: 8 }, () => startRacer())
    try {
      for (const racer of racers) expect(await racer.next()).toBe('ready')
      for (let round = 0; round < rounds; round++) {
        const path = join(directory, `secret-${round}`)
        for (const racer of racers) racer.tell(path)
        const secrets = await Promise.all(racers.map((racer) => racer.next()))
        expect(new Set(secrets)).toEqual(new Set([readFileSync(path, 'utf8')]))
        expect(secrets[0]).toMatch(/^[\w-]{64}$/)
      }
      expect(readdirSync(directory)).toHaveLength(rounds)
    } finally {
      for (const racer of racers) await racer.end()
    }
    // Eight processes have to start, and others may use the machine.
  }, 60_000)
})

/** A process that makes the secret at each path it is told, and says what it got. */
function startRacer() {
  const module = new URL('./generated-secret.ts', import.meta.url).href
  const script = `
    import { createInterface } from 'node:readline'
    const { generatedSecret } = await import(${JSON.stringify(module)})
    createInterface({ input: process.stdin }).on('line', (path) => console.log(generatedSecret(path)))
    console.log('ready')`
  const options = ['--experimental-strip-types', '--no-warnings', '--input-type=module', '--eval', script]
  const child = spawn(process.execPath, options, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const closed = once(child, 'close')
  return {
    tell: (line: string) => child.stdin.write(`${line}\n`),
    next: async () => String((await lines.next()).value),
    async end() {
      child.stdin.end()
      await closed
    },
  }
}
