import { plainPools } from '../contestants.mjs'
import { median } from '../flow.mjs'
import { runProbe } from '../probe.mjs'

const MORE_WORKERS = 4

export default {
  title: 'Start and idle',
  about:
    'Process start to the first result on a pool of 1, seen from outside (node itself: an empty program that prints a ' +
    'line). CPU time of the whole process while 2 workers idle. Resident memory of each idle worker beyond the first.',
  contestants: ['node', 'worker_threads', ...plainPools],
  rows: [
    { key: 'first', label: 'start to first result', unit: 'ms', better: 'lower' },
    { key: 'cpu', label: 'idle CPU per second', unit: 'ms', better: 'lower' },
    { key: 'rss', label: 'per idle worker', unit: 'MB', better: 'lower' },
  ],
  async measure({ quick, contestant }) {
    const starts = []
    for (let i = 0; i < (quick ? 2 : 5); i++) starts.push((await runProbe('start.mjs', contestant, 'first')).firstLine)
    if (contestant === 'node') return { first: median(starts) }
    const idle = await runProbe('start.mjs', contestant, 'idle', 2, quick ? 2000 : 5000)
    const one = await runProbe('start.mjs', contestant, 'rss', 1)
    const more = await runProbe('start.mjs', contestant, 'rss', 1 + MORE_WORKERS)
    return { first: median(starts), cpu: idle.cpu, rss: (more.rss - one.rss) / MORE_WORKERS / 1e6 }
  },
}
