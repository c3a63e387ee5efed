import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../packages/server/src/engine/testing/until.ts'
import { postgresProcesses } from '../start/surroundings.ts'
import {
  begin,
  expectNoStack,
  expectSentence,
  into,
  memoryMount,
  mustRefuse,
  mustSucceed,
  belfry as run,
} from './command-line.ts'
import { contents, fill, fillUp, untilSession, type World, type Worlds } from './world.ts'

export function backupSuite(worlds: Worlds): void {
  let world: World
  let other: World
  let file: string

  beforeEach(async () => {
    world = await worlds.create()
    other = await worlds.create()
    // Not beside the data: nothing but the tests' own files lies there.
    mkdirSync(join(world.directory, 'files'))
    file = join(world.directory, 'files', 'all.backup')
  })
  afterEach(async () => {
    await world.leave()
    await other.leave()
  })

  const prepare = async () => {
    await world.migrate()
    await fill(world)
  }
  const backup = (name = file) => mustSucceed(['backup', name], { environment: world.environment })
  const restoreRefused = (where: World, ...words: string[]) =>
    mustRefuse(['restore', ...words], { environment: where.environment })
  const files = () => readdirSync(join(world.directory, 'files'))

  describe('belfry backup and restore', () => {
    it('copy everything from beside a running server into another, empty place', async () => {
      const product = await world.start()
      await fill(world)
      const said = await backup()
      expect(said.stdout).toMatch(/✔ .*all\.backup: \d+ rows of \d+ tables, \d/)
      expect(files()).toEqual(['all.backup'])
      expect(statSync(file).mode & 0o777).toBe(0o600)
      expect((await fetch(`${product.url}/readyz`)).status).toBe(200)

      const checked = await mustSucceed(['restore', file, '--check'], { environment: other.environment })
      expect(checked.stdout).toMatch(/✔ whole: \d+ rows of \d+ tables, written by Belfry /)
      const restored = await mustSucceed(['restore', file], { environment: other.environment })
      expect(restored.stdout).toMatch(/✔ \d+ rows of \d+ tables, written by Belfry \d+\.\d+\.\d+ on 2/)
      const [there, here] = [await contents(other), await contents(world)]
      expect(withoutWhatIsOfOnePlace(there)).toBe(withoutWhatIsOfOnePlace(here))
      // A client that kept a cursor of the old log has to notice that this is another one.
      expect(there.match(logEpoch)).not.toEqual(here.match(logEpoch))
      const second = await other.start()
      expect(second.output()).toContain('up to date')
      expect((await fetch(`${second.url}/readyz`)).status).toBe(200)
    })

    it('work through standard output and input, where nothing but the backup comes out', async () => {
      await prepare()
      const { bytes, stderr } = await mustSucceed(['backup', '-'], { environment: world.environment })
      expect(stderr).toBe('')
      expect(bytes.readUInt16BE(0)).toBe(0x1f8b)
      await mustSucceed(['restore', '-'], { environment: other.environment, input: bytes })
      expect(await contents(other)).toBe(await contents(world))
    })

    it('fill an empty database only, or replace what is there when told to', async () => {
      await prepare()
      await backup()
      const saved = await contents(world)
      await world.use((client) => client.query("delete from belfry.sign_in_links where name = ''"))
      await fillUp(world, 100)
      const changed = await contents(world)
      expect(changed).not.toBe(saved)

      expect(await restoreRefused(world, file)).toContain('A backup is restored into an empty database')
      expect(await contents(world)).toBe(changed)
      await mustSucceed(['restore', file, '--replace'], { environment: world.environment })
      expect(await contents(world)).toBe(saved)
      await mustSucceed(['restore', file, '--replace'], { environment: other.environment })
      expect(await contents(other)).toBe(saved)
    })

    it('change nothing when the file is cut off, altered, or something else', async () => {
      await prepare()
      await backup()
      const whole = readFileSync(file)
      await fillUp(world, 100)
      const before = await contents(world)
      const middle = Math.floor(whole.length / 2)
      const alteredAt = (offset: number) => {
        const bytes = Buffer.from(whole)
        bytes.writeUInt8(bytes.readUInt8(offset) ^ 1, offset)
        return bytes
      }
      const wrong: Record<string, Buffer> = {
        empty: Buffer.alloc(0),
        'cut off at its end': whole.subarray(0, -1),
        'cut off in the middle': whole.subarray(0, middle),
        altered: alteredAt(middle),
        'altered in its last byte': alteredAt(whole.length - 1),
        'two in one': Buffer.concat([whole, whole]),
        text: Buffer.from('-- PostgreSQL database dump\n'.repeat(100)),
        'gzip of something else': gzipSync('hello'),
      }
      for (const [what, bytes] of Object.entries(wrong)) {
        const path = join(world.directory, 'files', what)
        writeFileSync(path, bytes)
        await mustRefuse(['restore', path, '--check'], { environment: world.environment })
        expect(await restoreRefused(world, path, '--replace'), what).toMatch(
          /is not a whole, unaltered backup of Belfry: .*Nothing was changed\. \[backup_invalid\]$/,
        )
        expect(await contents(world), what).toBe(before)
      }
      expect(await restoreRefused(other, join(world.directory, 'files', 'altered'))).toContain('Nothing was')
      expect(await contents(other)).toBe('')
    }, 240_000)

    it('refuse the backup of a newer Belfry', async () => {
      await prepare()
      await world.use((client) =>
        client.query(
          "insert into belfry.migrations (module, id, checksum) values ('access', '9999_from_the_future', 'x')",
        ),
      )
      await backup()
      expect(await restoreRefused(other, file)).toMatch(/newer Belfry.*9999_from_the_future/)
      expect(await contents(other)).toBe('')
    })

    it('say which file is missing or not to be used, before anything is started', async () => {
      const { environment, directory } = world
      expect(await restoreRefused(world, join(directory, 'nothing'))).toContain('There is no file ')
      expect(await restoreRefused(world, directory)).toContain('is a directory')
      const backupRefused = (name: string) => mustRefuse(['backup', name], { environment })
      expect(await backupRefused(join(directory, 'no', 'where'))).toContain('There is no directory ')
      expect(await backupRefused(directory)).toContain('is a directory')
      expect(await backupRefused('/dev/null')).toContain('is no ordinary file')
      writeFileSync(join(directory, 'a-file'), '')
      expect(await backupRefused(join(directory, 'a-file', 'x'))).toMatch(/cannot write|There is no/)
      expect(existsSync(join(directory, 'data'))).toBe(false)
      expect(statSync('/dev/null').isCharacterDevice()).toBe(true)
    })

    it('follow a link, and replace a file only by a whole one', async () => {
      await prepare()
      await backup()
      const link = join(world.directory, 'files', 'latest')
      symlinkSync(file, link)
      const old = readFileSync(file)
      await fillUp(world, 10)
      await backup(link)
      expect(readFileSync(file)).not.toEqual(old)
      expect(readFileSync(link)).toEqual(readFileSync(file))
      expect(files().toSorted()).toEqual(['all.backup', 'latest'])
    })

    it('leave no half file behind when the disk is full, and keep the old one', async () => {
      await world.migrate()
      await world.start()
      const mount = join(world.directory, 'files')
      await fillUp(world, 20_000)
      const full = await run(['backup', file], {
        environment: world.environment,
        // What lies there is seen in that file system only, so the listing comes from inside.
        wrapper: memoryMount(mount, '64k', `printf old > ${file}`, `ls ${mount}; cat ${file}`),
      })
      expect(full.code).toBe(1)
      expectSentence(full.stderr)
      expect(full.stderr).toContain(`There is no room left for ${file}.`)
      expect(full.stdout).toBe('all.backup\nold')
    })

    it('say so when standard output takes no more', async () => {
      await prepare()
      await fillUp(world, 20_000)
      const { environment } = world
      const gone = await run(['backup', '-'], { environment, wrapper: into('head -c 10') })
      expectNoStack({ ...gone, stdout: '' })
      expect(gone.stderr).toMatch(/^✖ .*went away before its end\.\ncode 1\n$/)
      const full = await run(['backup', '-'], {
        environment,
        wrapper: ['sh', '-c', '"$@" > /dev/full', 'sh'],
      })
      expect(full.code).toBe(1)
      expectSentence(full.stderr)
      expect(full.stderr).toContain('There is no room left for standard output.')
    })

    it('stop at Ctrl-C in the middle of a backup: no file, the old one kept, nothing running', async () => {
      await prepare()
      await fillUp(world, 200_000)
      writeFileSync(file, 'the old one')
      const call = begin(['backup', file], { environment: world.environment })
      // Held still as soon as something is written, so that the signal meets it half way.
      const isUnderWay = () =>
        files().some(
          (name) => name !== 'all.backup' && statSync(join(world.directory, 'files', name)).size > 0,
        )
      await until(isUnderWay, { what: 'the backup is under way', withinMs: 30_000 })
      call.process.kill('SIGSTOP')
      expect(files()).toHaveLength(2)
      call.process.kill('SIGINT')
      call.process.kill('SIGCONT')
      const answer = await call.ended
      expect(answer.code, answer.stderr).toBe(130)
      expectSentence(answer.stderr)
      expect(files()).toEqual(['all.backup'])
      expect(readFileSync(file, 'utf8')).toBe('the old one')
      if (worlds.kind === 'embedded') expect(postgresProcesses(join(world.directory, 'data'))).toEqual([])
    })

    it('stop at Ctrl-C in the middle of a restore: nothing changed, nothing running', async () => {
      await prepare()
      await fillUp(world, 20_000)
      const { bytes } = await mustSucceed(['backup', '-'], { environment: world.environment })
      await other.migrate()
      const before = await contents(other)
      // Half of it, and then nothing: the restore waits for the rest.
      const call = begin(['restore', '-', '--replace'], { environment: other.environment })
      call.process.stdin?.write(bytes.subarray(0, bytes.length / 2))
      await untilUsable(other)
      await other.use((client) => untilSession(client, "query like 'copy %'"))
      call.process.kill('SIGINT')
      const answer = await call.ended
      expect(answer.code, answer.stderr).toBe(130)
      expectSentence(answer.stderr)
      expect(postgresProcesses(join(other.directory, 'data'))).toEqual([])
      expect(await contents(other)).toBe(before)
    })

    it('restore refuses while a server is running, which goes on undisturbed', async () => {
      await world.migrate()
      const product = await world.start()
      await fill(world)
      await backup()
      const before = await contents(world)
      expect(await restoreRefused(world, file, '--replace')).toMatch(worlds.inUse)
      expect(await contents(world)).toBe(before)
      expect((await fetch(`${product.url}/readyz`)).status).toBe(200)
    })

    it('a backup without its last bytes is refused even when it is piped in', async () => {
      await prepare()
      await backup()
      truncateSync(file, statSync(file).size - 5)
      const said = await mustRefuse(['restore', '-'], {
        environment: other.environment,
        input: readFileSync(file),
      })
      expect(said).toContain('Nothing was changed')
    })
  })
}

/** A row of `event_logs`: its number, the namespace, and the epoch of the log, which a restore makes anew. */
const logEpoch = /^(\(\d+,\/\w+),\w+,/gm

/** Which nodes are alive is true of one place only. */
const aliveNodes = /^(\w+\.session_nodes): \d+ rows(?:\n\(.*)*/m

function withoutWhatIsOfOnePlace(text: string): string {
  return text.replaceAll(logEpoch, '$1,').replace(aliveNodes, '$1')
}

/** A command that has just begun comes to the embedded PostgreSQL first; only then is there something to look at. */
async function untilUsable(world: World): Promise<void> {
  const owner = join(world.directory, 'data', 'owner.json')
  if (world.environment['DATABASE_URL'] !== undefined) return
  await until(() => existsSync(owner), { what: `${owner} exists`, withinMs: 20_000 })
  const isUsable = () =>
    world
      .use(async () => true)
      .catch((error: unknown) => {
        if (String(error).includes('is using the data directory')) return false
        throw error
      })
  await until(isUsable, { what: 'PostgreSQL is up', withinMs: 20_000 })
}
