/** Commands that are answered. */
import { cpuMicrosEach, type Metric, measure, type Scenario } from './scenario.ts'

const clients = 1_000
const manyOutstanding = 4

export const commands: Scenario = {
  name: 'commands',
  title: `Commands of ${clients} clients, each answered`,
  method: `Each client sends the next command when one is answered; one of them waits at a time, or ${manyOutstanding}.`,
  metrics: [...metricsOf(1), ...metricsOf(manyOutstanding)],
  async run(world) {
    const { generator, port } = world
    await generator.call('connect', { port, clients, namespaces: 1, unfinishedMax: 256 })
    const figures: Record<string, number> = {}
    for (const outstanding of [1, manyOutstanding]) {
      await generator.call('startCommands', { outstanding })
      const span = await measure(world, { warmSeconds: 1.5, seconds: 4 })
      await generator.call('stopCommands', null)
      figures[`perSecond${outstanding}`] = span.answers / span.seconds
      figures[`p99Of${outstanding}`] = span.p99Ms
      figures[`cpuOf${outstanding}`] = cpuMicrosEach(span, span.answers)
      figures[`serverBusy${outstanding}`] = span.serverBusy
      figures[`generatorBusy${outstanding}`] = span.generatorBusy
    }
    return figures
  },
}

function metricsOf(outstanding: number): Metric[] {
  const label = (what: string) => `${outstanding} at a time, ${what}`
  return [
    {
      key: `perSecond${outstanding}`,
      label: label('answers'),
      unit: '/s',
      digits: 0,
      better: 'higher',
      must: { ratioAtLeast: 1.5 },
      busy: { server: `serverBusy${outstanding}`, generator: `generatorBusy${outstanding}` },
    },
    { key: `p99Of${outstanding}`, label: label('p99'), unit: 'ms', digits: 1, better: 'lower' },
    { key: `cpuOf${outstanding}`, label: label('CPU of a command'), unit: 'µs', digits: 1, better: 'lower' },
  ]
}
