import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mustRefuse, mustSucceed } from './command-line.ts'
import { contents, fill, type World, type Worlds } from './world.ts'

const first = '0001_create_sign_in_links_and_sessions'

export function migrateSuite(worlds: Worlds): void {
  let world: World

  beforeEach(async () => {
    world = await worlds.create()
  })
  afterEach(() => world.leave())

  const migrate = async (...words: string[]) =>
    (await mustSucceed(['migrate', ...words], { environment: world.environment })).stdout
  const refused = (...words: string[]) =>
    mustRefuse(['migrate', ...words], { environment: world.environment })

  interface Step {
    id: string
    module: string
    state: string
    appliedAt?: string
  }
  const status = async () => JSON.parse(await migrate('status', '--json')) as Step[]

  describe('belfry migrate', () => {
    it('applies what is missing, says so, and does nothing the second time', async () => {
      expect((await status()).map(({ state }) => state)).toContain('pending')
      expect(await contents(world)).toBe('')

      const said = await migrate('up')
      expect(said).toContain(`${first} (access)`)
      const steps = await status()
      expect(steps[0]).toMatchObject({ id: first, module: 'access', state: 'applied' })
      expect(steps[0]?.appliedAt).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
      expect(new Set(steps.map(({ state }) => state))).toEqual(new Set(['applied']))
      expect(said).toContain(`${steps.length} applied.`)
      expect(await migrate('status')).toMatch(
        new RegExp(`^applied {3}${first} {2}\\(access\\) {2}\\d{4}-\\d\\d-`),
      )

      const before = await contents(world)
      expect(await migrate('up')).toContain('Everything is applied already.')
      expect(await contents(world)).toBe(before)
    })

    it('undoes the latest step, so many, or all after one, and does them again', async () => {
      await world.migrate()
      const all = (await status()).map(({ id }) => id)
      const applied = async () =>
        (await status()).filter(({ state }) => state === 'applied').map(({ id }) => id)

      expect(await migrate('down')).toContain(`${all.at(-1)} (`)
      expect(await applied()).toEqual(all.slice(0, -1))
      await migrate('up')
      expect(await applied()).toEqual(all)

      expect(await migrate('down', '--to', first)).toMatch(/nothing to undo|undone/)
      expect(await applied()).toEqual([first])
      await migrate('up')

      await fill(world)
      expect(await migrate('down', '--steps', '1000')).toContain(`${all.length} undone.`)
      expect(await applied()).toEqual([])
      expect(await contents(world)).toBe('belfry.migrations: 0 rows')
      expect(await migrate('down')).toContain('There was nothing to undo.')
      expect(await migrate('up')).toContain(`${all.length} applied.`)
    })

    it('refuses to go back to a step that is not applied', async () => {
      expect(await refused('down', '--to', first)).toContain(`The migration ${first} is not applied`)
      await migrate('up')
      const before = await contents(world)
      expect(await refused('down', '--to', '0000_nothing')).toContain('0000_nothing is not applied')
      expect(await contents(world)).toBe(before)
    })

    it('shows what is applied while a server is running', async () => {
      await world.migrate()
      await world.start()
      expect(new Set((await status()).map(({ state }) => state))).toEqual(new Set(['applied']))
      expect(await migrate('up')).toContain('Everything is applied already.')
      const before = await contents(world)
      expect(await refused('down')).toMatch(worlds.inUse)
      expect(await contents(world)).toBe(before)
    })
  })

  describe('a database that a newer Belfry wrote', () => {
    beforeEach(async () => {
      await world.migrate()
      await world.use((client) =>
        client.query(
          "insert into belfry.migrations (module, id, checksum) values ('access', '9999_from_the_future', 'x')",
        ),
      )
    })

    it('is refused by whatever would change it, in a sentence, and left as it is', async () => {
      const before = await contents(world)
      const { environment } = world
      for (const words of [
        ['start', '--link'],
        ['migrate', 'up'],
        ['migrate', 'down'],
      ])
        expect(await mustRefuse(words, { environment }), words.join(' ')).toMatch(
          /newer Belfry.*9999_from_the_future.*does not know/,
        )
      await mustRefuse(['link'], { environment })
      expect(await contents(world)).toBe(before)
    })

    it('is shown as such, and is usable again after the newer one has undone its step', async () => {
      expect((await status()).at(-1)).toMatchObject({ id: '9999_from_the_future', state: 'unknown' })
      await world.use((client) => client.query("delete from belfry.migrations where id like '9999%'"))
      await world.start()
    })
  })
}
