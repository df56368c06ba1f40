// A service on a pool. Each request has a deadline and is given up when its client leaves; what there is no
// room for is 503, what takes too long 504; and it ends when all that it has accepted is answered.
import fastify from 'fastify'
import { CancelledError, moduleTasks, QueueFullError, ThreadPoolExecutor, TimeoutError } from 'concurrent-futures'

const { report, lengthOf } = moduleTasks(new URL('./tasks.mjs', import.meta.url))

export async function makeService({ maxWorkers = 2, maxQueue = 20, deadline = 1_000, grace = 8_000 } = {}) {
  const executor = new ThreadPoolExecutor({ name: 'reports', maxWorkers, maxQueue })
  await executor.warmUp()
  const app = fastify()

  // The executor as a request sees it: with what is left of its time, and until its client has gone.
  app.decorate('executor', executor)
  app.decorateRequest('deadline', 0)
  app.decorateRequest('gone', null)
  app.addHook('onRequest', async (request, reply) => {
    request.deadline = performance.now() + deadline
    // Not `request.signal`: that aborts as soon as the body of a POST has been read.
    const leaving = new AbortController()
    request.gone = leaving.signal
    reply.raw.on('close', () => leaving.abort())
  })
  app.decorateRequest('executor', {
    getter() {
      return executor.with({ totalTimeout: Math.max(0, this.deadline - performance.now()), signal: this.gone })
    },
  })

  app.setErrorHandler((error, request, reply) => {
    if (error instanceof QueueFullError) return reply.code(503).header('retry-after', '1').send({ error: 'busy' })
    if (error instanceof TimeoutError) return reply.code(504).send({ error: 'it took too long' })
    // Nobody is there any more to read it.
    if (error instanceof CancelledError && request.gone.aborted) return reply.code(499).send()
    return reply.send(error)
  })

  app.get('/report/:ms', (request) => request.executor.submit(report, Number(request.params.ms)).result())
  app.post('/length', (request) => request.executor.submit(lengthOf, JSON.stringify(request.body)).result())
  app.get('/health', async (request, reply) => {
    const { broken, queued, running } = executor.stats()
    return reply.code(broken ? 500 : 200).send({ broken, queued, running })
  })

  // close() waits for the requests that are under way, each of which has a deadline, and then for this: tasks
  // in the background. Both together take less than what the orchestrator gives between its signals.
  app.addHook('onClose', () => executor.shutdown({ timeout: grace }))
  // What is answered from then on closes its connection; close() would wait for one that is kept alive.
  let isClosing = false
  app.addHook('preClose', async () => void (isClosing = true))
  app.addHook('onSend', async (_, reply) => void (isClosing && reply.header('connection', 'close')))
  return app
}
