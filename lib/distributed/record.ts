/** What has become of the jobs that a process waited for: counts, times, and traces. */
import { makeTrace, now, readStats, wallClock } from '../inner.ts'
import type { Trace } from '../diagnostics/trace.ts'
import type { TracedTask, Track } from '../diagnostics/trace-events.ts'
import type { ExecutorStats } from '../executor/stats.ts'
import type { Identity } from '../pool/watched.ts'
import { Times } from './histogram.ts'
import type { Ending, HeldJob } from './job-future.ts'

/** Three events a task; see diagnostics/trace.ts. */
const MOST_TRACED = 350_000

interface Recording {
  readonly tasks: TracedTask[]
  dropped: number
}

export class JobRecord {
  readonly #executor: Identity
  readonly #counts: Record<Ending, number> = { completed: 0, failed: 0, cancelled: 0, timedOut: 0, lost: 0 }
  readonly #waitTimes: Times
  readonly #runTimes: Times
  readonly #recordings: Set<Recording> = new Set()
  /** Each host is a track. */
  readonly #tracks: Map<string, Track> = new Map()
  /** From the clock that only goes forward to microseconds since 1970. */
  readonly #offset: number = wallClock() - now()

  constructor(executor: Identity) {
    this.#executor = executor
    const { waitTime, runTime } = readStats(undefined, executor)
    this.#waitTimes = new Times(waitTime)
    this.#runTimes = new Times(runTime)
  }

  /** Notes the end of a job. */
  end(job: HeldJob, ending: Ending): void {
    const at = now()
    this.#counts[ending]++
    if (job.began !== undefined) {
      this.#waitTimes.record(job.began - job.submitted)
      this.#runTimes.record(at - job.began)
    }
    const what = ending === 'cancelled' ? 'cancelled' : 'ended'
    for (const recording of this.#recordings) this.#add(recording, this.#taskOf(job, what, at))
  }

  #add(recording: Recording, task: TracedTask): void {
    recording.tasks.push(task)
    if (recording.tasks.length <= MOST_TRACED) return
    recording.tasks.shift()
    recording.dropped += 3
  }

  #taskOf(job: HeldJob, what: TracedTask['what'], at: number): TracedTask {
    const micros = (time: number): number => Math.round((time + this.#offset) * 1e3)
    return {
      what,
      id: job.id,
      name: job.name,
      track: job.began === undefined ? undefined : this.#trackOf(job.host ?? 'a host'),
      submitted: micros(job.submitted),
      began: micros(job.began ?? at),
      end: micros(at),
    }
  }

  #trackOf(host: string): Track {
    let track = this.#tracks.get(host)
    if (track === undefined) this.#tracks.set(host, (track = { tid: this.#tracks.size + 1, name: host }))
    return track
  }

  /** Begins a trace; `running` gives the jobs that run at its end. */
  trace(running: () => Iterable<HeldJob>): Trace {
    const recording: Recording = { tasks: [], dropped: 0 }
    this.#recordings.add(recording)
    const take = (): { tasks: TracedTask[]; dropped: number } => {
      this.#recordings.delete(recording)
      for (const job of running()) recording.tasks.push(this.#taskOf(job, 'running', now()))
      return recording
    }
    return makeTrace({ executor: this.#executor.name, take, dropped: () => recording.dropped })
  }

  /** The counts and times, of an executor that holds so many jobs. */
  read(queued: number, running: number): ExecutorStats {
    return {
      ...readStats(undefined, this.#executor),
      ...this.#counts,
      queued,
      running,
      waitTime: this.#waitTimes.read(),
      runTime: this.#runTimes.read(),
    }
  }
}
