/**
 * Times as `stats()` gives them. Those of a pool are counted in Rust; what comes over the network is counted
 * here, in the same buckets: a sixteenth of their power of two wide, so that a quantile is within 6.25 %.
 */
import type { Histogram } from '../executor/stats.ts'

const SUB = 16

/** Of a time in ms: the number of its bucket, in steps of a microsecond. */
function bucketOf(ms: number): number {
  const micros = Math.max(0, Math.floor(ms * 1e3))
  if (micros < SUB) return micros
  const octave = Math.floor(Math.log2(micros)) - 4
  return (octave + 1) * SUB + Math.floor(micros / 2 ** octave) - SUB
}

/** The longest time of a bucket, in ms. */
function upperEdge(bucket: number): number {
  if (bucket < SUB) return bucket / 1e3
  const octave = Math.floor(bucket / SUB) - 1
  return (((bucket % SUB) + SUB + 1) * 2 ** octave - 1) / 1e3
}

export class Times {
  readonly #buckets: Map<number, number> = new Map()
  readonly #bounds: Histogram['buckets']
  #count = 0
  #sum = 0
  #min = 0
  #max = 0

  /** `empty` is a histogram of a pool: it has the bounds. */
  constructor(empty: Histogram) {
    this.#bounds = empty.buckets
  }

  /** Notes a time in ms. */
  record(ms: number): void {
    const time = Math.max(0, ms)
    const bucket = bucketOf(time)
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1)
    for (const bound of this.#bounds) if (time <= bound.le) bound.count++
    this.#min = this.#count === 0 ? time : Math.min(this.#min, time)
    this.#max = Math.max(this.#max, time)
    this.#count++
    this.#sum += time
  }

  read(): Histogram {
    const [p50, p90, p99] = [0.5, 0.9, 0.99].map((part) => this.#quantile(part)) as [number, number, number]
    return {
      count: this.#count,
      sum: this.#sum,
      min: this.#min,
      mean: this.#count === 0 ? 0 : this.#sum / this.#count,
      p50,
      p90,
      p99,
      max: this.#max,
      buckets: this.#bounds.map(({ le, count }) => ({ le, count })),
    }
  }

  #quantile(part: number): number {
    const rank = Math.ceil(part * this.#count)
    let before = 0
    for (const [bucket, count] of [...this.#buckets].sort(([one], [other]) => one - other)) {
      before += count
      if (before >= rank) return Math.min(Math.max(upperEdge(bucket), this.#min), this.#max)
    }
    return 0
  }
}
