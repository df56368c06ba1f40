/** The traces of a pool: what the addon records, as tasks with names and tracks. */
import { binding } from '../addon/binding.ts'
import type { PoolIndex } from '../addon/pool-index.ts'
import {
  KIND_ISOLATE,
  KIND_NATIVE,
  KIND_PROCESS,
  TRACE_BEGAN,
  TRACE_CANCELLED,
  TRACE_END,
  TRACE_ENDED,
  TRACE_ID,
  TRACE_INTERRUPTED,
  TRACE_KIND,
  TRACE_LABEL,
  TRACE_NAME,
  TRACE_ROW,
  TRACE_RUNNING,
  TRACE_SUBMITTED,
  TRACE_THREAD,
  TRACE_WORKER,
} from '../addon/seam.ts'
import { nameIn } from '../diagnostics/label.ts'
import { makeTrace } from '../diagnostics/trace.ts'
import type { Trace } from '../diagnostics/trace.ts'
import type { TracedTask, Track } from '../diagnostics/trace-events.ts'
import { wallClock } from '../host/clocks.ts'
import { nameOf } from '../tasks/functions.ts'

const WHAT: Readonly<Record<number, TracedTask['what']>> = {
  [TRACE_ENDED]: 'ended',
  [TRACE_RUNNING]: 'running',
  [TRACE_CANCELLED]: 'cancelled',
  [TRACE_INTERRUPTED]: 'interrupted',
}

/** Threads and processes have lower numbers. */
const FIRST_NATIVE = 1_000_000_000

/** Ends the recording of traces that were collected. */
const collected: FinalizationRegistry<{ index: PoolIndex; trace: number }> = new FinalizationRegistry(
  ({ index, trace }) => binding.traceForget(index.value, trace),
)

/** Begins a trace of a pool. */
export function trace(index: PoolIndex, executor: string): Trace {
  const began = wallClock()
  const number = binding.traceStart(index.value)
  const token = {}
  const countDropped = (): number => binding.traceDropped(index.value, number)
  const take = (): { tasks: TracedTask[]; dropped: number } => {
    const tasks: TracedTask[] = []
    let dropped = countDropped()
    for (;;) {
      const rows = binding.traceTake(index.value, number)
      if (rows.length === 0) break
      for (const row of rows) tasks.push(taskOf(row as unknown as Row, began))
      // What ran at the end was recorded by the first call.
      dropped = Math.max(dropped, countDropped())
    }
    collected.unregister(token)
    return { tasks, dropped }
  }
  const made = makeTrace({ executor, take, dropped: countDropped })
  collected.register(made, { index, trace: number }, token)
  return made
}

interface Row {
  readonly [TRACE_ROW]: number
  readonly [TRACE_ID]: number
  readonly [TRACE_LABEL]: string
  readonly [TRACE_NAME]: string | number
  readonly [TRACE_KIND]: number
  readonly [TRACE_THREAD]: number
  readonly [TRACE_WORKER]: number
  readonly [TRACE_SUBMITTED]: number
  readonly [TRACE_BEGAN]: number
  readonly [TRACE_END]: number
}

function taskOf(row: Row, began: number): TracedTask {
  const given = nameIn(row[TRACE_LABEL]) ?? ''
  const own = row[TRACE_NAME]
  return {
    what: WHAT[row[TRACE_ROW]] as TracedTask['what'],
    id: row[TRACE_ID],
    name: given !== '' ? given : typeof own === 'string' ? own : nameOf(own, true),
    track: trackOf(row),
    submitted: microseconds(began, row[TRACE_SUBMITTED]),
    began: microseconds(began, row[TRACE_BEGAN]),
    end: microseconds(began, row[TRACE_END]),
  }
}

/** Whole ones: a double has no room for parts of them. */
function microseconds(began: number, after: number): number {
  return began * 1e3 + Math.round(after * 1e3)
}

function trackOf(row: Row): Track | undefined {
  const [kind, thread, worker] = [row[TRACE_KIND], row[TRACE_THREAD], row[TRACE_WORKER]]
  if (kind === KIND_ISOLATE) return { tid: thread, name: `worker ${thread}` }
  if (kind === KIND_PROCESS) return { tid: thread, name: `child ${thread}` }
  return kind === KIND_NATIVE ? { tid: FIRST_NATIVE + worker, name: `native ${worker}` } : undefined
}
