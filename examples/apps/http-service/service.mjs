// A service that hashes passwords and renders reports, on a pool or, to compare, on its own thread.
//   node examples/apps/http-service/service.mjs [--no-pool] [--port 3000]
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { moduleTasks, QueueFullError, ThreadPoolExecutor, TimeoutError } from 'concurrent-futures'
import fastify from 'fastify'
import * as here from './tasks.mjs'

const { values } = parseArgs({ options: { 'no-pool': { type: 'boolean' }, port: { type: 'string', default: '0' } } })

const executor = new ThreadPoolExecutor({ name: 'service', maxQueue: 1_000 })
const tasks = moduleTasks(new URL('./tasks.mjs', import.meta.url))

/** Calls a function of tasks.mjs: on the pool within ten seconds, or here and now. */
const call = values['no-pool']
  ? async (name, ...args) => here[name](...args)
  : (name, ...args) => executor.with({ name, totalTimeout: 10_000 }).submit(tasks[name], ...args)

const app = fastify()

const body = { type: 'object', required: ['password'], properties: { password: { type: 'string', maxLength: 200 } } }
app.post('/users', { schema: { body } }, async (request) => ({ hash: await call('hashPassword', request.body.password) }))

const params = { type: 'object', properties: { year: { type: 'integer', minimum: 1, maximum: 9999 } } }
app.get('/reports/:year', { schema: { params } }, async (request, reply) => {
  reply.type('text/html')
  return await call('renderReport', request.params.year)
})

app.get('/ping', async () => 'pong')

// How late the event loop comes: a timer of 1 ms, and how long it really took.
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
app.get('/loop-delay', async () => {
  const [p99, max] = [delay.percentile(99), delay.max].map((ns) => ns / 1e6)
  delay.reset()
  return { p99, max }
})

app.setErrorHandler(async (error, request, reply) => {
  if (error instanceof QueueFullError) return reply.code(503).header('retry-after', '1').send('busy, try later')
  if (error instanceof TimeoutError) return reply.code(504).send('it took too long')
  return reply.send(error)
})

process.once('SIGTERM', async () => {
  await app.close() // no new connections; what was asked is answered
  await executor.shutdown({ timeout: 8_000 })
})

if (!values['no-pool']) await executor.warmUp()
console.log(await app.listen({ port: Number(values.port), host: '127.0.0.1' }))
