// Metrics of executors, all from stats(): a task pays nothing for them. There are no conventions for pools of
// Node.js; the names, units and kinds are as those of jvm.executor.* and db.client.connection.*_time.
import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics'

const SCOPE = { name: 'concurrent-futures' }
const attributesOf = ({ name, kind }) => ({
  'concurrent_futures.executor.name': name,
  'concurrent_futures.executor.type': kind,
})

/** Counters and gauges, read when they are collected. */
export function measure(meter, executors) {
  const tasks = meter.createObservableCounter('concurrent_futures.task.count', {
    unit: '{task}',
    description: 'Tasks that have ended, by concurrent_futures.task.outcome.',
  })
  const gauge = (name, unit, description) => meter.createObservableUpDownCounter(name, { unit, description })
  const queued = gauge('concurrent_futures.executor.queue.size', '{task}', 'Tasks that wait.')
  const running = gauge('concurrent_futures.executor.running', '{task}', 'Tasks that run.')
  const workers = gauge('concurrent_futures.executor.worker.count', '{worker}', 'Workers, by their state.')
  const limit = gauge('concurrent_futures.executor.worker.limit', '{worker}', 'The most tasks that may run at once.')
  const observe = (result) => {
    for (const executor of executors) {
      const stats = executor.stats()
      const attributes = attributesOf(stats)
      const { completed, failed, cancelled, timedOut: timed_out, lost } = stats
      for (const [outcome, count] of Object.entries({ completed, failed, cancelled, timed_out, lost })) {
        result.observe(tasks, count, { ...attributes, 'concurrent_futures.task.outcome': outcome })
      }
      for (const state of ['idle', 'busy', 'starting', 'abandoned']) {
        result.observe(workers, stats.workers[state], { ...attributes, 'concurrent_futures.worker.state': state })
      }
      result.observe(queued, stats.queued, attributes)
      result.observe(running, stats.running, attributes)
      result.observe(limit, executor.maxWorkers, attributes)
    }
  }
  meter.addBatchObservableCallback(observe, [tasks, queued, running, workers, limit])
}

const hrTime = (ms) => [Math.floor(ms / 1e3), Math.round((ms % 1e3) * 1e6)]

/** stats() counts what is not above a bound, in milliseconds; here each bucket counts its own, in seconds. */
function histogramOf({ buckets, sum, count, min, max }) {
  const counts = buckets.map((bucket, at) => bucket.count - (buckets[at - 1]?.count ?? 0))
  const boundaries = buckets.slice(0, -1).map(({ le }) => le / 1e3)
  const extremes = count > 0 ? { min: min / 1e3, max: max / 1e3 } : {}
  return { buckets: { boundaries, counts }, sum: sum / 1e3, count, ...extremes }
}

/**
 * The histograms. No instrument of OpenTelemetry takes one that is made already, a reader of metrics does:
 * `new PeriodicExportingMetricReader({ exporter, metricProducers: [new Histograms(executors)] })`.
 */
export class Histograms {
  #executors
  #start = hrTime(Date.now())

  constructor(executors) {
    this.#executors = executors
  }

  async collect() {
    const endTime = hrTime(Date.now())
    const stats = this.#executors.map((executor) => executor.stats())
    const metric = (name, description, of) => ({
      descriptor: { name, description, unit: 's', valueType: 1, advice: {} },
      dataPointType: DataPointType.HISTOGRAM,
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPoints: stats.map((each) => ({
        startTime: this.#start,
        endTime,
        attributes: attributesOf(each),
        value: histogramOf(each[of]),
      })),
    })
    const metrics = [
      metric('concurrent_futures.task.wait_time', 'How long tasks waited for a worker.', 'waitTime'),
      metric('concurrent_futures.task.run_time', 'How long tasks ran.', 'runTime'),
    ]
    return { errors: [], resourceMetrics: { resource: undefined, scopeMetrics: [{ scope: SCOPE, metrics }] } }
  }
}
