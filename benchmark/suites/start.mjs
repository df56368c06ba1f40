import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { plainPools } from '../contestants.mjs'
import { median } from './flow.mjs'

const probe = fileURLToPath(new URL('../probe.mjs', import.meta.url))
const MORE_WORKERS = 4

/** Runs the probe; resolves with the time to its first line and with its last one. */
function runProbe(...args) {
  const start = performance.now()
  const child = spawn(process.execPath, [probe, ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let first
  let text = ''
  child.stdout.on('data', (chunk) => {
    first ??= performance.now() - start
    text += chunk
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => {
      if (code !== 0) return reject(new Error(`the probe ended with ${code}`))
      resolve({ first, ...JSON.parse(text.trim().split('\n').at(-1)) })
    })
  })
}

export default {
  title: 'Start and idle',
  about:
    'Process start to the first result on a pool of 1, seen from outside (node itself: an empty program that prints a ' +
    'line). CPU time of the whole process while 2 workers idle. Resident memory of each idle worker beyond the first.',
  contestants: ['node', ...plainPools],
  rows: [
    { key: 'first', label: 'start to first result', unit: 'ms', better: 'lower' },
    { key: 'cpu', label: 'idle CPU per second', unit: 'ms', better: 'lower' },
    { key: 'rss', label: 'per idle worker', unit: 'MB', better: 'lower' },
  ],
  async measure({ quick, contestant }) {
    const starts = []
    for (let i = 0; i < (quick ? 2 : 5); i++) starts.push((await runProbe(contestant, 'first')).first)
    if (contestant === 'node') return { first: median(starts) }
    const idle = await runProbe(contestant, 'idle', 2, quick ? 2000 : 5000)
    const one = await runProbe(contestant, 'rss', 1)
    const more = await runProbe(contestant, 'rss', 1 + MORE_WORKERS)
    return { first: median(starts), cpu: idle.cpu, rss: (more.rss - one.rss) / MORE_WORKERS / 1e6 }
  },
}
