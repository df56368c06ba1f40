// What the child processes of this process use, as Linux tells it; elsewhere it is not known.
import { readFileSync, readdirSync } from 'node:fs'

/** Of the clock in which Linux gives CPU times: 100 a second, on every architecture. */
const TICK_US = 10_000

/** The fields of /proc/<pid>/stat from the third on; a name before them may hold spaces and brackets. */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** Microseconds of CPU time that all living children have used until now, all threads of them. */
function cpuOfChildren() {
  if (process.platform !== 'linux') return NaN
  let ticks = 0
  for (const pid of readdirSync('/proc')) {
    const stat = /^\d/.test(pid) ? statOf(pid) : undefined
    if (stat !== undefined && Number(stat[1]) === process.pid) ticks += Number(stat[11]) + Number(stat[12])
  }
  return ticks * TICK_US
}

/**
 * What `flow` took: milliseconds of the clock, and microseconds of CPU time of this process and its children;
 * undefined where that is not known.
 */
export async function withCpuOfAll(flow) {
  const before = process.cpuUsage()
  const children = cpuOfChildren()
  const ms = await flow()
  const { user, system } = process.cpuUsage(before)
  const cpu = user + system + cpuOfChildren() - children
  return { ms, cpu: Number.isNaN(cpu) ? undefined : cpu }
}

/** Bytes of memory that a process shares with no other, or undefined where that is not known. */
export function ownMemory(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
    return [...text.matchAll(/^Private_\w+: +(\d+) kB$/gm)].reduce((sum, [, kilobytes]) => sum + kilobytes * 1024, 0)
  } catch {
    return undefined
  }
}
