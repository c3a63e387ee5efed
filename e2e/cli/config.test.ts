/** `belfry config`: what is in force, where it comes from, and no secret in any of it. */
import { describe, expect, it } from 'vitest'
import { belfry, mustRefuse, mustSucceed } from './command-line.ts'

const secrets = {
  JWT_SECRET_PREVIOUS: 'hunter2-of-last-year, with 32 bytes or more',
  JWT_SECRET: 'jwt-hunter2-hunter2-hunter2-hunter2',
  SESSION_SECRET: 'session-hunter2-hunter2-hunter2-hunter2',
  DATABASE_URL: 'postgres://app:database-hunter2@127.0.0.1/app',
  METRICS_TOKEN: 'metrics-hunter2-hunter2',
  SMTP_URL: 'smtp://mail:smtp-hunter2@mail.example.com',
  VAPID_PUBLIC_KEY: 'public',
  VAPID_PRIVATE_KEY: 'vapid-hunter2-hunter2',
  REDIS_URL: 'redis://:redis-hunter2@127.0.0.1',
  REDIS_PASSWORD: 'redis-password-hunter2',
}

interface View {
  name: string
  value: string
  source: string
  secret: boolean
  description: string
}

const views = async (environment: Record<string, string> = {}) =>
  JSON.parse((await mustSucceed(['config', '--json'], { environment })).stdout) as View[]

describe('belfry config', () => {
  it('shows each setting with its value and where it comes from', async () => {
    const { stdout } = await mustSucceed(['config'], { environment: { PORT: '4000', MAIL_FROM: '' } })
    expect(stdout).toMatch(/^PORT +4000 {2}· environment$/m)
    expect(stdout).toMatch(/^HOST +127\.0\.0\.1 {2}· default$/m)
    expect(stdout).toMatch(/^MAIL_FROM +\(not set\) {2}· default$/m)
    expect(stdout.trim().split('\n')).toHaveLength((await views()).length)
  })

  it('gives the same to scripts as JSON', async () => {
    const all = await views({ PORT: '4000', CORS_ORIGIN: 'https://a.example.com/, http://b.example.com:81' })
    const byName = new Map(all.map((view) => [view.name, view]))
    expect(byName.get('PORT')).toEqual({
      name: 'PORT',
      value: '4000',
      source: 'environment',
      secret: false,
      description: expect.stringContaining('Port of web'),
    })
    expect(byName.get('CORS_ORIGIN')?.value).toBe('https://a.example.com,http://b.example.com:81')
    expect(byName.get('JWT_SECRET')).toMatchObject({ value: '', source: 'default', secret: true })
  })

  it('describes every setting as Markdown, the same on every machine', async () => {
    const { stdout } = await mustSucceed(['config', '--reference'])
    const elsewhere = await mustSucceed(['config', '--reference'], {
      environment: { HOME: '/home/somebody', PORT: '1', BELFRY_DATA_DIR: '/somewhere', ...secrets },
    })
    expect(elsewhere.stdout).toBe(stdout)
    for (const { name } of await views()) expect(stdout).toContain(`| \`${name}\` |`)
    expect(stdout.split('\n').filter((line) => line.startsWith('| `'))).toHaveLength((await views()).length)
    for (const line of stdout.split('\n').filter((each) => each.startsWith('|')))
      expect(line.match(/(?<!\\)\|/g), line).toHaveLength(4)
  })

  it('never prints a secret: not as text, not as JSON, not in the reference, not when it is wrong', async () => {
    for (const words of [['config'], ['config', '--json'], ['config', '--reference']]) {
      const { stdout, stderr } = await mustSucceed(words, { environment: secrets })
      expect(stdout + stderr).not.toContain('hunter2')
    }
    for (const view of await views(secrets)) {
      if (view.secret) expect(view, view.name).toMatchObject({ value: '••••••••', source: 'environment' })
    }
    const wrong = Object.fromEntries(Object.keys(secrets).map((name) => [name, 'hunter2']))
    const { code, stdout, stderr } = await belfry(['config'], { environment: { ...wrong, PORT: 'many' } })
    expect(code).toBe(1)
    expect(stderr).toContain('JWT_SECRET must have 32 characters or more')
    expect(stdout + stderr).not.toContain('hunter2')
    expect(await mustRefuse(['config'], { environment: { JWT_SECRET: 'hunter2' } })).not.toContain('hunter2')
  })
})
