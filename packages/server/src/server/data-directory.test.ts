import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { defaultDataDirectory, ensureDataDirectory } from './data-directory.ts'

const isRoot = process.getuid?.() === 0
/** Root may always write, everybody else can be kept out. */
const itAsOrdinaryUser: (name: string, test: () => void) => void = isRoot ? () => undefined : it

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'belfry-directory-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true, force: true })
})

const modeOf = (path: string) => statSync(path).mode & 0o777

describe('the data directory', () => {
  it('is made with its parents, closed to others; under root, others may pass through', () => {
    const path = join(directory, 'a', 'b', 'c')
    ensureDataDirectory(path)
    for (const made of [path, join(directory, 'a', 'b'), join(directory, 'a')])
      expect(modeOf(made), made).toBe(isRoot ? 0o711 : 0o700)
    expect(readdirSync(path)).toEqual([])
  })

  it('may be there already, also by a link, with a slash behind it, or be relative', () => {
    const path = join(directory, 'a')
    ensureDataDirectory(path)
    writeFileSync(join(path, 'kept'), '')
    symlinkSync(path, join(directory, 'link'))
    const here = process.cwd()
    for (const name of [path, `${path}/`, join(directory, 'link'), `${here}/../../../../../../..${path}`])
      ensureDataDirectory(name)
    expect(readdirSync(path)).toEqual(['kept'])
  })

  it('is opened for passing through under root, also where somebody made it closed', () => {
    const path = join(directory, 'closed')
    mkdirSync(path, { mode: 0o700 })
    ensureDataDirectory(path)
    expect(modeOf(path)).toBe(isRoot ? 0o711 : 0o700)
  })

  it('is refused where a file is in the way of it or of a parent', () => {
    writeFileSync(join(directory, 'file'), '')
    for (const path of [
      join(directory, 'file'),
      join(directory, 'file', 'a'),
      join(directory, 'file', 'a', 'b'),
    ])
      expect(() => ensureDataDirectory(path), path).toThrow(
        expect.objectContaining({
          code: 'data_directory_not_writable',
          message: expect.stringContaining(
            `${path} cannot be a data directory, because a file is in the way`,
          ),
        }),
      )
  })

  it('is refused, and not tried for ever, where the parent is there and takes no directories', () => {
    for (const path of ['/proc/belfry', '/proc/belfry/data', '/proc/self/belfry/data'])
      expect(() => ensureDataDirectory(path), path).toThrow(
        expect.objectContaining({
          code: 'data_directory_not_writable',
          message: expect.stringContaining(path),
        }),
      )
  })

  it('is refused where a link leads nowhere', () => {
    const link = join(directory, 'link')
    symlinkSync(join(directory, 'nowhere'), link)
    for (const path of [link, join(link, 'a')])
      expect(() => ensureDataDirectory(path), path).toThrow(
        expect.objectContaining({ code: 'data_directory_not_writable' }),
      )
  })

  it('is refused when it belongs to another user', () => {
    if (isRoot) vi.spyOn(process as Required<typeof process>, 'getuid').mockReturnValue(12_345)
    expect(() => ensureDataDirectory(isRoot ? directory : '/')).toThrow(
      expect.objectContaining({
        code: 'data_directory_other_user',
        message: expect.stringContaining('belongs to the user with id 0'),
      }),
    )
  })

  itAsOrdinaryUser('is refused where this user may not write', () => {
    chmodSync(directory, 0o500)
    for (const path of [directory, join(directory, 'a')])
      expect(() => ensureDataDirectory(path), path).toThrow(
        expect.objectContaining({
          code: 'data_directory_not_writable',
          message: expect.stringContaining('may not write'),
        }),
      )
  })

  it('is by default where the system sets data aside: for all under root, else per user', () => {
    if (process.platform === 'darwin') return
    const getuid = vi.spyOn(process as Required<typeof process>, 'getuid')
    getuid.mockReturnValue(0)
    expect(defaultDataDirectory()).toBe('/var/lib/belfry')
    getuid.mockReturnValue(1_000)
    vi.stubEnv('XDG_DATA_HOME', '/data/home')
    expect(defaultDataDirectory()).toBe('/data/home/belfry')
    vi.stubEnv('XDG_DATA_HOME', '')
    expect(defaultDataDirectory()).toBe(join(homedir(), '.local', 'share', 'belfry'))
  })
})
