// The service of service.mjs under load, on a pool and without one, side by side.
//   node examples/apps/http-service/main.mjs [--seconds 5]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { availableParallelism, loadavg } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ask, load, quantile } from './load.mjs'

const KINDS = {
  password: { connections: 4, asks: { method: 'POST', path: '/users', json: { password: 'correct horse' } } },
  report: { connections: 2, asks: { path: '/reports/2026' } },
  ping: { connections: 1, asks: { path: '/ping' }, pauses: 20 },
}

/** The service in a process of its own, so that its event loop is not the client's. */
async function measured(args, ms) {
  const service = spawn(process.execPath, [fileURLToPath(new URL('./service.mjs', import.meta.url)), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const agent = new Agent({ keepAlive: true })
  try {
    const [base] = await once(createInterface(service.stdout), 'line')
    const loopDelay = async () => JSON.parse((await ask(agent, base, { path: '/loop-delay' })).body)
    await load(agent, base, ms / 5, KINDS) // until all are connected and the code is warm
    await loopDelay() // it counts from here on
    const result = await load(agent, base, ms, KINDS)
    return { ...result, delay: await loopDelay() }
  } finally {
    agent.destroy()
    const end = once(service, 'exit')
    service.kill('SIGTERM')
    await end
  }
}

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '5' } } })
const ms = Number(values.seconds) * 1000
const columns = { 'on the pool': await measured([], ms), without: await measured(['--no-pool'], ms) }

const cores = `${availableParallelism()} cores, load ${loadavg()[0].toFixed(1)}`
console.log(`Node.js ${process.version}, ${cores}, ${values.seconds} s each\n`)
const line = (title, cells) => console.log(title.padEnd(32) + cells.map((cell) => cell.padStart(18)).join(''))
const both = (a, b) => `${a.toFixed(1)} / ${b.toFixed(1)}`
const all = Object.values(columns)
line('', Object.keys(columns))
for (const kind of Object.keys(KINDS)) {
  const rate = ({ latencies, seconds }) => (latencies[kind].length / seconds).toFixed(1)
  line(`${kind}: requests a second`, all.map(rate))
  const latency = ({ latencies }) => both(quantile(latencies[kind], 0.5), quantile(latencies[kind], 0.99))
  line('  latency p50 / p99, ms', all.map(latency))
}
line(
  'event loop delay p99 / max, ms',
  all.map(({ delay }) => both(delay.p99, delay.max)),
)
line(
  'answers other than 200',
  all.map(({ refused }) => String(refused)),
)
