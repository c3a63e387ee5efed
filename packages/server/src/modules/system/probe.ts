/** What the process says about itself, behind an interface, so that tests can say something else. */
import { createHistogram, performance } from 'node:perf_hooks'

export interface ProcessProbe {
  /** Since the last reading; the first counts from when the probe was made. */
  read(): ProcessReading
  /** Ends the measurement of the event loop. */
  close(): void
}

export interface ProcessReading {
  /** On a clock that only goes forward. */
  readonly elapsedMs: number
  /** Time on a core, user and system together. */
  readonly cpuMs: number
  readonly memoryBytes: number
  readonly loopDelayP50Ms: number
  readonly loopDelayP99Ms: number
}

/**
 * The event loop is measured by a timer that should run every 20 ms: how much later than that it ran is the delay.
 * Something that blocks the loop for shorter than that is seen in part. Not `monitorEventLoopDelay`: its reset also
 * forgets when its timer last ran, so a block across the moment of reading would be lost, and the long ones lie
 * across it. Costs 0.2 % of a core more; 10 ms would cost 0.4 %.
 */
const periodMs = 20

export function openProcessProbe(): ProcessProbe {
  const delays = createHistogram()
  let lastRunMs = performance.now()
  let lastReadMs = lastRunMs
  let lastCpu = process.cpuUsage()
  const timer = setInterval(takeDelay, periodMs).unref()

  function takeDelay(): void {
    const nowMs = performance.now()
    // A histogram counts whole numbers from 1 on: microseconds.
    delays.record(Math.max(1, Math.round((nowMs - lastRunMs - periodMs) * 1000)))
    lastRunMs = nowMs
  }

  function delayMs(percentile: number): number {
    // Without a single run the histogram has no percentiles, only a number that means nothing.
    return delays.count === 0 ? 0 : delays.percentile(percentile) / 1000
  }

  return {
    read() {
      const nowMs = performance.now()
      const cpu = process.cpuUsage()
      const reading = {
        elapsedMs: nowMs - lastReadMs,
        cpuMs: (cpu.user - lastCpu.user + cpu.system - lastCpu.system) / 1000,
        memoryBytes: process.memoryUsage.rss(),
        loopDelayP50Ms: delayMs(50),
        loopDelayP99Ms: delayMs(99),
      }
      delays.reset()
      lastReadMs = nowMs
      lastCpu = cpu
      return reading
    },
    close() {
      clearInterval(timer)
    },
  }
}
