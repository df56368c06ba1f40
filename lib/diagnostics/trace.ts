/** What an executor has done, as a file that Chrome's and Perfetto's viewers open. */
import { bindToThread } from '../errors/thread-bound.ts'
import { toJson } from '../host/json.ts'
import { eventsOf, namesOf } from './trace-events.ts'
import type { TracedTask, TraceEvent } from './trace-events.ts'

/** What {@link Trace.stop} gives: the format of Chrome's trace events. */
export interface TraceFile {
  traceEvents: TraceEvent[]
  displayTimeUnit: 'ms'
}

/** Where a trace is recorded. */
export interface TraceSource {
  /** The name of the executor. */
  readonly executor: string
  /** Ends the recording, and gives what was recorded, and how many events of that have gone. */
  take(): { readonly tasks: TracedTask[]; readonly dropped: number }
  /** How many events have gone so far; while it is recorded. */
  dropped(): number
}

/** So many events are in a trace, besides those that name its tracks. */
const MOST_EVENTS = 1_000_000

export let makeTrace: (source: TraceSource) => Trace

/**
 * A recording of what an executor does: `executor.trace()` begins one. Tasks are in it from their end on, or
 * when they run at the end of the trace; those that still wait then are not.
 *
 * @example
 * ```ts
 * const trace = executor.trace()
 * await Promise.all(files.map((file) => executor.submit(compress, file)))
 * await trace.write('compress.json') // open it in https://ui.perfetto.dev
 * ```
 */
export class Trace {
  readonly #source: TraceSource
  #file: TraceFile | undefined
  #dropped = 0

  static {
    bindToThread(this.prototype, 'pass what its stop() gives')
    makeTrace = (source) => new Trace(source)
  }

  private constructor(source: TraceSource) {
    this.#source = source
  }

  /** How many events have gone because there were more than a million: the oldest go. */
  get dropped(): number {
    return this.#file === undefined ? this.#source.dropped() : this.#dropped
  }

  /** Ends the recording. Stopping twice gives the same. */
  stop(): TraceFile {
    if (this.#file !== undefined) return this.#file
    const { tasks, dropped } = this.#source.take()
    const events = eventsOf(tasks)
    const surplus = Math.max(0, events.length - MOST_EVENTS)
    this.#dropped = dropped + surplus
    const names = namesOf(this.#source.executor, tasks)
    this.#file = { traceEvents: [...names, ...events.slice(surplus)], displayTimeUnit: 'ms' }
    return this.#file
  }

  /** Ends the recording and writes it, as JSON. @throws the system's error, as a rejection */
  async write(path: string | URL): Promise<void> {
    const { traceEvents, ...rest } = this.stop()
    // Not at the import of the package: few write traces, and it takes long to load.
    const { writeFile } = await import('node:fs/promises')
    await writeFile(path, parts(traceEvents, toJson(rest)))
  }

  /** `stop()`, for `using`. */
  [Symbol.dispose](): void {
    this.stop()
  }
}

/** So many events are written at once. */
const AT_ONCE = 10_000

/** The text of the file in parts: one of all events may be longer than a string can be. */
function* parts(events: readonly TraceEvent[], rest: string): Generator<string> {
  yield `${rest.slice(0, -1)},"traceEvents":[`
  for (let from = 0; from < events.length; from += AT_ONCE) {
    const lines = events.slice(from, from + AT_ONCE).map((event) => toJson(event))
    yield `${from === 0 ? '\n' : ',\n'}${lines.join(',\n')}`
  }
  yield '\n]}\n'
}
