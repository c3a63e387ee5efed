/** `belfry bench recovery` as somebody calls it who wants to see it: a short run, and what it refuses. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../product.ts'
import { mustRefuse, mustSucceed } from './command-line.ts'

let directory: string
beforeEach(() => {
  directory = temporaryDirectory()
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const short = ['--clients', '20', '--rooms', '4', '--seconds', '3', '--cut-every', '2', '--cut-for', '0.5']

describe('belfry bench recovery', () => {
  it('breaks the same lines with each server, and shows what became of the events', async () => {
    const [picture, json] = [join(directory, 'recovery.svg'), join(directory, 'recovery.json')]
    const { stdout } = await mustSucceed([
      ...['bench', 'recovery', ...short, '--polling', '20', '--seed', '3'],
      ...['--picture', picture, '--json', json],
    ])
    expect(stdout).toContain('20 clients in 4 rooms, 200 events a second for 3 s')
    expect(stdout).toMatch(/^ +Belfry +socket\.io 4\.8\.4 +socket\.io 4\.8\.4 with recovery$/m)
    expect(stdout).toMatch(/^delivered +100 % /m)
    expect(stdout).toMatch(/^socket\.io, the first of what was lost:\n {2}client \d+ missed /m)
    const { scenario, results } = JSON.parse(readFileSync(json, 'utf8'))
    expect(scenario).toMatchObject({ clients: 20, seed: 3, cutSeconds: 0.5 })
    const [belfry, stock] = results
    expect(belfry.verdict).toMatchObject({ isWhole: true, missing: 0, told: 0, resets: 0 })
    expect(belfry.verdict.due).toBeGreaterThan(1_000)
    expect(belfry.counts.recovered).toBeGreaterThan(5)
    // Had it lost nothing, nothing would have been broken.
    expect(stock.verdict.missing).toBeGreaterThan(0)
    expect(readFileSync(picture, 'utf8')).toMatch(/^<svg [\s\S]*>Belfry<[\s\S]*<\/svg>\n$/)
  })

  it.each([
    [['bench'], 2, 'belfry bench recovery'],
    [['bench', 'speed'], 2, 'belfry bench recovery'],
    [['bench', 'recovery', '--clients', '0'], 2, '--clients has "0"'],
    [['bench', 'recovery', '--clients', '2.5'], 2, '--clients has "2.5"'],
    [['bench', 'recovery', '--cut-for', 'long'], 2, '--cut-for has "long"'],
    [['bench', 'recovery', '--against', 'ws'], 2, '--against has "ws"'],
    // At once, and not after the minutes that it takes.
    [['bench', 'recovery', '--seconds', '600', '--json', '/nowhere/a.json'], 1, '/nowhere/a.json cannot be'],
  ])('refuses %j', async (words, code, reason) => {
    expect(await mustRefuse(words, { code })).toContain(reason)
  })
})
