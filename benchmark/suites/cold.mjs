import { everybody } from '../contestants.mjs'
import { runProbe } from '../probe.mjs'

const RATE = 'tasks/s'
const CPU = 'CPU time of all threads, µs a task'

const WAYS = {
  flight1k: { label: '1,000 in flight', args: ['flight', 1000] },
  flight10k: { label: '10,000 in flight', args: ['flight', 10_000] },
  producers: { label: '64 producers', args: ['producers', 64] },
}

/** The tasks of a column: from which one to which one. */
export const STRETCHES = {
  first: { label: 'the first 5,000', from: 0, to: 5000 },
  next: { label: '30,000 after 4,000', from: 4000, to: 34_000 },
}

const columns = Object.entries(WAYS).flatMap(([way, { label }]) =>
  Object.entries(STRETCHES).map(([stretch, { label: which }]) => ({ key: `${way}-${stretch}`, label: `${label}: ${which}` })),
)

export default {
  title: 'Throughput of no-op tasks, cold, 2 workers',
  about:
    'n → n + 1, in a process that has just started its pool: each worker has answered once, and nothing is compiled ' +
    'yet. A new process for each way. What a short-lived program sees.',
  contestants: everybody,
  rows: [
    ...columns.map((column) => ({ ...column, unit: RATE, better: 'higher' })),
    ...columns.map(({ key, label }) => ({ key: `${key}-cpu`, label, better: 'lower', group: CPU })),
  ],
  async measure({ contestant }) {
    const result = {}
    for (const [way, { args }] of Object.entries(WAYS)) {
      const { firstLine, ...stretches } = await runProbe('cold.mjs', contestant, ...args)
      for (const [stretch, { rate, cpu }] of Object.entries(stretches)) {
        result[`${way}-${stretch}`] = rate
        result[`${way}-${stretch}-cpu`] = cpu
      }
    }
    return result
  },
}
