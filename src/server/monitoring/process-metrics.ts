import { readdir } from 'node:fs/promises'
import {
  type EventLoopUtilization,
  monitorEventLoopDelay,
  PerformanceObserver,
  performance,
} from 'node:perf_hooks'
import type { Registry } from '../../metrics/registry.ts'

/** How often the delay of the event loop is measured. Unit: milliseconds. */
const DELAY_RESOLUTION_MS = 20
/** Unit: seconds. */
const GC_BOUNDS: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1]
const NANOSECONDS = 1e9
const MICROSECONDS = 1e6

/** Names of V8's kinds of collection, by the numbers of `perf_hooks.constants`. */
const GC_KINDS: ReadonlyMap<number, string> = new Map([
  [1, 'minor'],
  [4, 'major'],
  [8, 'incremental'],
  [16, 'weakcb'],
])

/** How many file descriptors are open; undefined where the system does not tell. */
async function openDescriptors(): Promise<number | undefined> {
  try {
    return (await readdir('/proc/self/fd')).length
  } catch {
    return undefined
  }
}

/**
 * What Prometheus's own libraries tell of a process, under the same names, and the state of the event loop.
 * @returns ends what it observes
 */
export function measureProcess(registry: Registry): () => void {
  measureResources(registry)
  const endLoop = measureLoop(registry)
  const endCollections = measureCollections(registry)
  return () => {
    endLoop()
    endCollections()
  }
}

function measureResources(registry: Registry): void {
  const counter = (name: string, help: string) => registry.counter({ name, help }).of()
  const gauge = (name: string, help: string) => registry.gauge({ name, help }).of()
  const user = counter('process_cpu_user_seconds_total', 'User CPU time, in seconds')
  const system = counter('process_cpu_system_seconds_total', 'System CPU time, in seconds')
  const total = counter('process_cpu_seconds_total', 'User and system CPU time, in seconds')
  const started = gauge('process_start_time_seconds', 'When the process started, Unix time')
  const resident = gauge('process_resident_memory_bytes', 'Resident memory')
  const heap = gauge('nodejs_heap_size_total_bytes', 'Heap that V8 has reserved')
  const heapUsed = gauge('nodejs_heap_size_used_bytes', 'Heap in use')
  const external = gauge(
    'nodejs_external_memory_bytes',
    'Memory outside the heap, buffers included',
  )
  const descriptors = registry.gauge({ name: 'process_open_fds', help: 'Open file descriptors' })
  started.value = performance.timeOrigin / 1000
  registry.read(async () => {
    const cpu = process.cpuUsage()
    user.value = cpu.user / MICROSECONDS
    system.value = cpu.system / MICROSECONDS
    total.value = user.value + system.value
    const memory = process.memoryUsage()
    resident.value = memory.rss
    heap.value = memory.heapTotal
    heapUsed.value = memory.heapUsed
    external.value = memory.external
    const open = await openDescriptors()
    if (open !== undefined) descriptors.of().value = open
  })
}

/** Between two readings, so that each scraper's window is about its own interval. */
function measureLoop(registry: Registry): () => void {
  const gauge = (name: string, help: string) => registry.gauge({ name, help }).of()
  const mean = gauge(
    'nodejs_eventloop_lag_mean_seconds',
    'Mean delay of the event loop since the last reading',
  )
  const p99 = gauge(
    'nodejs_eventloop_lag_p99_seconds',
    '99th percentile of the delay of the event loop since the last reading',
  )
  const max = gauge(
    'nodejs_eventloop_lag_max_seconds',
    'Longest delay of the event loop since the last reading',
  )
  const utilization = gauge(
    'nodejs_eventloop_utilization',
    'Share of the time since the last reading that the event loop was busy, 0 to 1',
  )
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS })
  delay.enable()
  let last: EventLoopUtilization = performance.eventLoopUtilization()
  registry.read(() => {
    // Nothing measured yet is a mean of no number.
    if (delay.count > 0) {
      // The histogram holds whole intervals; what is above the interval is the delay.
      const over = (nanoseconds: number): number =>
        Math.max(0, nanoseconds / NANOSECONDS - DELAY_RESOLUTION_MS / 1000)
      mean.value = over(delay.mean)
      p99.value = over(delay.percentile(99))
      max.value = over(delay.max)
    }
    delay.reset()
    const now = performance.eventLoopUtilization()
    utilization.value = performance.eventLoopUtilization(now, last).utilization
    last = now
  })
  return () => delay.disable()
}

/** The members of a garbage collection's entry that are read. */
function kindOf(entry: object): string {
  const detail = 'detail' in entry ? entry.detail : undefined
  const kind =
    typeof detail === 'object' && detail !== null && 'kind' in detail ? detail.kind : undefined
  return (typeof kind === 'number' ? GC_KINDS.get(kind) : undefined) ?? 'other'
}

function measureCollections(registry: Registry): () => void {
  const durations = registry.histogram(
    {
      name: 'nodejs_gc_duration_seconds',
      help: 'Pauses for garbage collection, in seconds',
      labels: ['kind'],
    },
    GC_BOUNDS,
  )
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      durations.of(kindOf(entry)).observe(entry.duration / 1000)
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  return () => observer.disconnect()
}
