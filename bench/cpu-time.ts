import { readdirSync, readFileSync } from 'node:fs'

const SAMPLE_EVERY_MS = 100

/**
 * CPU time of a process group, from the run time that the Linux scheduler keeps for each thread, in
 * nanoseconds. Unlike a rate it hardly depends on what else the machine does. A thread that has
 * ended is gone from /proc, so the group is sampled all the while and the last figure of each kept.
 *
 * Source: Linux kernel documentation, scheduler/sched-stats, /proc/<pid>/schedstat.
 */
export class CpuTime implements Disposable {
  readonly #group: number
  readonly #threads = new Map<string, { readonly name: string; nanoseconds: number }>()
  readonly #timer: NodeJS.Timeout

  /** @param group The process group id. Linux only: see `isAvailable`. */
  constructor(group: number) {
    this.#group = group
    this.#sample()
    this.#timer = setInterval(() => this.#sample(), SAMPLE_EVERY_MS)
  }

  /** False where there is no /proc with scheduler statistics, as on macOS. */
  static get isAvailable(): boolean {
    try {
      return /^\d+ \d+ \d+/.test(readFileSync('/proc/self/schedstat', 'latin1'))
    } catch {
      return false
    }
  }

  /** Nanoseconds used so far by all threads, those that have ended included. */
  total(): number {
    return [...this.byThreadName().values()].reduce((sum, nanoseconds) => sum + nanoseconds, 0)
  }

  /** The same, by the name that the thread gave itself. */
  byThreadName(): Map<string, number> {
    this.#sample()
    const sums = new Map<string, number>()
    for (const { name, nanoseconds } of this.#threads.values())
      sums.set(name, (sums.get(name) ?? 0) + nanoseconds)
    return sums
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #sample(): void {
    for (const pid of processesOf(this.#group)) {
      for (const thread of entries(`/proc/${pid}/task`)) {
        const folder = `/proc/${pid}/task/${thread}`
        const nanoseconds = Number(read(`${folder}/schedstat`)?.split(' ')[0])
        if (Number.isNaN(nanoseconds)) continue
        const known = this.#threads.get(folder)
        if (known !== undefined) known.nanoseconds = nanoseconds
        else this.#threads.set(folder, { name: read(`${folder}/comm`)?.trim() ?? '?', nanoseconds })
      }
    }
  }
}

/** The leader, and whatever it has started. */
function processesOf(group: number): string[] {
  return entries('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    // pid (command) state ppid pgrp …: the command may itself contain spaces and parentheses.
    const stat = read(`/proc/${name}/stat`)
    return stat !== undefined && stat.slice(stat.lastIndexOf(')')).split(' ')[3] === String(group)
  })
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return undefined
  }
}
