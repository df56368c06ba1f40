// Metrics of executors for Prometheus, all from stats() and only when they are scraped: a task pays nothing.
import { Counter, Gauge } from 'prom-client'

const OUTCOMES = { completed: 'completed', failed: 'failed', cancelled: 'cancelled', timed_out: 'timedOut', lost: 'lost' }
const STATES = ['idle', 'busy', 'starting', 'abandoned']

/** Registers what is known of these executors; the label `executor`, their name, tells them apart. */
export function register(registry, executors) {
  /** `values` gives pairs of labels and a value, of the stats of one executor. */
  const metric = (Kind, name, help, labelNames, values) =>
    new Kind({
      name: `concurrent_futures_${name}`,
      help,
      labelNames: ['executor', ...labelNames],
      registers: [registry],
      collect() {
        // A counter can only be increased, and stats() has the whole.
        this.reset()
        for (const executor of executors) {
          const stats = executor.stats()
          for (const [labels, value] of values(stats, executor)) this.inc({ executor: stats.name, ...labels }, value)
        }
      },
    })

  metric(Counter, 'tasks_total', 'Tasks that have ended, by how.', ['outcome'], (stats) =>
    Object.entries(OUTCOMES).map(([outcome, key]) => [{ outcome }, stats[key]]),
  )
  metric(Counter, 'workers_died_total', 'Workers that ended by themselves.', [], (stats) => [[{}, stats.workers.died]])
  metric(Gauge, 'workers', 'Workers, by what they do.', ['state'], (stats) => STATES.map((state) => [{ state }, stats.workers[state]]))
  metric(Gauge, 'workers_limit', 'The most tasks that may run at once.', [], (_, { maxWorkers }) => [[{}, maxWorkers]])
  metric(Gauge, 'queued', 'Tasks that wait.', [], (stats) => [[{}, stats.queued]])
  metric(Gauge, 'running', 'Tasks that run.', [], (stats) => [[{}, stats.running]])
  metric(Gauge, 'broken', 'Whether submit() throws.', [], (stats) => [[{}, Number(stats.broken)]])
  for (const [name, help, of] of [
    ['wait_seconds', 'How long tasks waited for a worker.', 'waitTime'],
    ['run_seconds', 'How long tasks ran.', 'runTime'],
  ]) {
    registry.registerMetric(new StatsHistogram(`concurrent_futures_${name}`, help, of, executors))
  }
}

/** A histogram that is made already, which prom-client's cannot be: `buckets` are as Prometheus has them. */
class StatsHistogram {
  type = 'histogram'
  aggregator = 'sum'

  constructor(name, help, of, executors) {
    Object.assign(this, { name, help, of, executors })
  }

  async get() {
    const { name, help, type, aggregator } = this
    const values = this.executors.flatMap((executor) => {
      const stats = executor.stats()
      const { buckets, sum, count } = stats[this.of]
      const value = (suffix, number, labels) => ({
        metricName: `${name}_${suffix}`,
        labels: { executor: stats.name, ...labels },
        value: number,
      })
      const bounds = buckets.map(({ le, count }) => value('bucket', count, { le: le === Infinity ? '+Inf' : le / 1e3 }))
      return [...bounds, value('sum', sum / 1e3), value('count', count)]
    })
    return { name, help, type, aggregator, values }
  }

  /** What stats() counts is for the life of an executor. */
  reset() {}
}
