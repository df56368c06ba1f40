// What the scaling suites have in common: figures of ours alone, at each of some points.
import { ours } from './contestants.mjs'

/**
 * The suite that measures `at(point, context)`, which resolves with a figure for each key of `values`, at
 * every point.
 *
 * @param x - { label, points, quickPoints }: what grows
 * @param values - [{ key, label, unit }]: what is measured; the first one is compared between lines of Node
 */
export function seriesSuite({ title, about, x, values, nodeArguments, timeout = 1_200_000, at }) {
  const rows = x.points.flatMap((point) =>
    values.map(({ key, label, unit }) => ({ key: `${key}-${point}`, label: `${label}, ${point}`, unit, reference: true })),
  )
  return {
    ...{ title, about, rows, nodeArguments, timeout, series: { x, values }, contestants: [ours] },
    async measure(context) {
      const result = {}
      for (const point of context.quick ? x.quickPoints : x.points) {
        for (const [key, value] of Object.entries(await at(point, context))) result[`${key}-${point}`] = value
      }
      return result
    },
  }
}

/** Wall and CPU time by the number of tasks, in microseconds. */
export const perTask = ({ ms, cpu }, tasks) => ({ wall: (ms * 1000) / tasks, cpu: cpu / tasks })

export const COST = [
  { key: 'wall', label: 'time a task', unit: 'µs' },
  { key: 'cpu', label: 'CPU a task', unit: 'µs' },
]
