/**
 * Trace events, as Chrome's and Perfetto's viewers read them: what the rows of a trace say, one track for
 * each worker, and one for the queue.
 */

/** One event of a trace. Times are microseconds. */
export interface TraceEvent {
  name: string
  cat: string
  /** `b` and `e`: begin and end of what may overlap; `X`: a whole run; `i`: a moment; `M`: names. */
  ph: 'b' | 'e' | 'X' | 'i' | 'M'
  pid: number
  tid: number
  ts: number
  dur?: number
  id?: string
  s?: 't'
  args?: Record<string, unknown>
}

/**
 * What a worker does, or what has become of a task in the queue. Times are whole microseconds since the
 * epoch.
 */
export interface TracedTask {
  readonly what: 'ended' | 'running' | 'cancelled' | 'interrupted'
  readonly id: number | string
  readonly name: string
  /** None of a task that has never begun. */
  readonly track: Track | undefined
  readonly submitted: number
  readonly began: number
  readonly end: number
}

/** A worker: its number in the trace, and how it is called. */
export interface Track {
  readonly tid: number
  readonly name: string
}

/** The track of the queue: no thread has this number. */
const QUEUE: Track = { tid: 0, name: 'queue' }

/** The events of these tasks, in the order of their beginning. */
export function eventsOf(tasks: readonly TracedTask[]): TraceEvent[] {
  const events: TraceEvent[] = []
  const overlapping = findOverlapping(tasks)
  const { pid } = process
  // There may be a million: each is written out, as copies of a common part take several times as long.
  const add = (ph: 'b' | 'e', cat: string, id: string, task: TracedTask, tid: number, ts: number): void => {
    events.push({ name: nameOf(task), cat, ph, pid, tid, ts, id, args: argsOf(task) })
  }
  for (const task of tasks) {
    const { what, id, track, submitted, end } = task
    const name = nameOf(task)
    const tid = track?.tid ?? QUEUE.tid
    if (what === 'interrupted') {
      const args = { id }
      events.push({ name: `interrupt ${name}`, cat: 'interrupt', ph: 'i', pid, tid, ts: end, s: 't', args })
      continue
    }
    // The clocks of two threads may differ a little.
    const began = Math.max(track === undefined ? end : task.began, submitted)
    add('b', 'queue', `q${id}`, task, QUEUE.tid, submitted)
    add('e', 'queue', `q${id}`, task, QUEUE.tid, began)
    if (track === undefined) continue
    const over = Math.max(end, began)
    if (overlapping.has(task)) {
      add('b', 'run', `r${id}`, task, tid, began)
      add('e', 'run', `r${id}`, task, tid, over)
    } else {
      const args = argsOf(task)
      events.push({ name, cat: 'run', ph: 'X', pid, tid, ts: began, dur: over - began, args })
    }
  }
  return events.sort((one, other) => one.ts - other.ts)
}

/** A viewer would show nothing. */
const nameOf = ({ name }: TracedTask): string => name || '(anonymous)'

function argsOf({ what, id }: TracedTask): Record<string, unknown> {
  return what === 'ended' ? { id } : { id, state: what }
}

/** The tasks that lie side by side with another of the same worker, and neither is within the other. */
function findOverlapping(tasks: readonly TracedTask[]): Set<TracedTask> {
  const byTrack = new Map<number, TracedTask[]>()
  for (const task of tasks) {
    if (task.track === undefined || task.what === 'interrupted') continue
    const own = byTrack.get(task.track.tid)
    if (own === undefined) byTrack.set(task.track.tid, [task])
    else own.push(task)
  }
  const found = new Set<TracedTask>()
  for (const own of byTrack.values()) {
    own.sort((one, other) => one.began - other.began || other.end - one.end)
    const open: TracedTask[] = []
    for (const task of own) {
      while (open.length > 0 && (open.at(-1) as TracedTask).end <= task.began) open.pop()
      // Those within which it does not end.
      for (let depth = open.length - 1; depth >= 0; depth--) {
        const outer = open[depth] as TracedTask
        if (outer.end >= task.end) break
        found.add(outer).add(task)
      }
      open.push(task)
      open.sort((one, other) => other.end - one.end)
    }
  }
  return found
}

/** The names of the process and of the tracks. */
export function namesOf(executor: string, tasks: readonly TracedTask[]): TraceEvent[] {
  const { pid } = process
  const tracks = new Map([[QUEUE.tid, QUEUE]])
  for (const { track } of tasks) if (track !== undefined) tracks.set(track.tid, track)
  const named = (what: string, tid: number, name: string): TraceEvent => ({
    name: what,
    cat: '__metadata',
    ph: 'M',
    pid,
    tid,
    ts: 0,
    args: { name },
  })
  return [
    named('process_name', QUEUE.tid, executor),
    ...[...tracks.values()].map(({ tid, name }) => named('thread_name', tid, name)),
  ]
}
