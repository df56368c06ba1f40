/** The programs of examples/distributed/, each in a process of its own, as two machines would run them. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { until } from './gate.ts'
import { HARD } from './limits.ts'
import { endWithUs, redisOf } from './redis.ts'

const redis = redisOf(test)
const folder = fileURLToPath(new URL('../examples/distributed/', import.meta.url))

interface Program {
  readonly child: ChildProcess
  readonly output: () => string
  readonly end: Promise<number | null>
}

function start(t: ExecutionContext, queue: string, name: string, ...args: string[]): Program {
  const { NODE_OPTIONS: _, ...env } = process.env
  const own = { ...env, QUEUE: queue, REDIS_URL: redis().url }
  const child = spawn(process.execPath, [`${folder}${name}`, ...args], { env: own, timeout: HARD, killSignal: 'SIGKILL' })
  endWithUs(child)
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  return { child, output: () => output, end: once(child, 'close').then(([code]) => code as number | null) }
}

test('a producer and two hosts, one of which is killed: every job comes to its end', async (t) => {
  const queue = `example-${randomUUID()}`
  const [one, other] = [start(t, queue, 'host.mjs'), start(t, queue, 'host.mjs')]
  await until(() => one.output().includes('runs the jobs') && other.output().includes('runs the jobs'), 'both run')
  const main = start(t, queue, 'main.mjs', 'a', 'b', 'c')
  t.is(await main.end, 0, main.output())
  const lines = main.output().split('\n')
  // As `printf 'a 43236' | sha256sum` says.
  for (const line of ['a: 43236', 'b: 6149', 'c: 20878']) t.true(lines.includes(line), main.output())
  t.true(lines.includes('a: 20000 tried'), main.output())
  one.child.kill('SIGKILL')
  await one.end
  // The results are still there.
  const again = start(t, queue, 'main.mjs', 'a', 'd')
  t.is(await again.end, 0, again.output())
  t.regex(again.output(), /^a: 43236$/m)
  t.regex(again.output(), /^d: \d+$/m)
  other.child.kill('SIGTERM')
  t.is(await other.end, 0)
  t.regex(other.output(), /finishing what has begun/)
})
