/** What the bench of recovery says of its figures. */
import { describe, expect, it } from 'vitest'
import { drawPicture } from './picture.ts'
import { defaultScenario, type RecoveryResult } from './recovery.ts'
import { describeScenario, markdownTable, percent, tableLines } from './report.ts'

function result(
  given: Partial<RecoveryResult> & { readonly due: number; readonly missing: number },
): RecoveryResult {
  const { due, missing, ...rest } = given
  return {
    server: 'belfry',
    version: '',
    outages: 1,
    cameBack: 2,
    stayedAway: 0,
    caughtUpMs: { p50: 3.25, p99: 40, max: 1_234.5 },
    serverCpuSeconds: 1,
    fleetCpuSeconds: 1,
    serverMemoryBytes: 1,
    serverLateMs: 1,
    returns: [],
    counts: { recovered: 2 },
    latencyMs: { p50: 0.5, p99: 12.4, count: 10 },
    verdict: {
      clients: 2,
      events: due,
      due,
      delivered: due - missing,
      missing,
      told: 0,
      twice: 0,
      outOfOrder: 0,
      foreign: 0,
      resets: 0,
      needlessResets: 0,
      reasons: {},
      differences: [],
      isWhole: missing === 0,
    },
    ...rest,
  }
}

const nobodyRecovered = {
  server: 'socket.io',
  version: '4.8.4',
  counts: {},
  caughtUpMs: { p50: Number.NaN, p99: Number.NaN, max: Number.NaN },
} as const

describe('the report', () => {
  it('never rounds a loss away, nor nothing up', () => {
    expect([percent(10, 10), percent(999_999, 1_000_000), percent(0, 10), percent(0, 0)]).toEqual([
      '100 %',
      '99.99 %',
      '0 %',
      '–',
    ])
  })

  it('has a row for each figure and a column for each server', () => {
    const results = [
      result({ due: 1_000, missing: 0 }),
      result({ due: 1_000, missing: 250, ...nobodyRecovered }),
    ]
    const lines = tableLines(results)
    expect(lines[0]).toMatch(/^ +Belfry +socket\.io 4\.8\.4$/)
    expect(lines.find((line) => line.startsWith('delivered'))).toMatch(/100 % +75\.00 %$/)
    expect(lines.find((line) => line.startsWith('caught up'))).toMatch(/3\.3 \/ 40 \/ 1,235 ms +–$/)
    expect(lines.find((line) => line.startsWith('recovered'))).toMatch(/100 % +0 %$/)
    expect(new Set(lines.map((line) => line.length)).size).toBe(1)
    expect(markdownTable(results).split('\n')).toHaveLength(lines.length + 1)
  })

  it('describes what was done', () => {
    expect(describeScenario({ ...defaultScenario, cuts: 'at-once', clients: 10_000 })).toBe(
      '10,000 clients in 20 rooms, 200 events a second for 60 s; all lines cut at once for 2 s, but for 20 others; seed 1.',
    )
  })
})

describe('the picture', () => {
  const widthsIn = (svg: string, colour: string) =>
    [...svg.matchAll(new RegExp(`width="([\\d.]+)" height="16" rx="2" fill="${colour}"`, 'g'))].map(
      ([, width]) => Number(width),
    )

  it('shows what came and what was lost to scale, and a loss that is too small to be seen', () => {
    const results = [
      result({ due: 1_000, missing: 0 }),
      result({ due: 1_000, missing: 250, ...nobodyRecovered }),
      result({ due: 1_000_000, missing: 1, ...nobodyRecovered }),
    ]
    const svg = drawPicture(defaultScenario, results)
    expect(widthsIn(svg, '#2f7d4f')).toEqual([400, 300, 398])
    expect(widthsIn(svg, '#b3342d')).toEqual([0, 100, 2])
    expect(svg.match(/<text /g)?.length).toBe((svg.match(/<\/text>/g) ?? []).length)
  })

  it('escapes what is text', () => {
    const svg = drawPicture(defaultScenario, [
      result({ due: 1, missing: 0, server: 'socket.io', version: '<&">' }),
    ])
    expect(svg).toContain('socket.io &lt;&amp;&quot;>')
  })
})
