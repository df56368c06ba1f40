// A service that tells Prometheus of its executors: node prom-client.mjs, then GET /metrics.
import { createServer } from 'node:http'
import { native, ThreadPoolExecutor } from 'concurrent-futures'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { register } from './metrics.mjs'

export const images = new ThreadPoolExecutor({ name: 'images', maxWorkers: 2 })
export const hashes = new ThreadPoolExecutor({ name: 'hashes', maxWorkers: 1 })

const registry = new Registry()
// Those of this thread, with nodejs_eventloop_lag_*: what a pool is there to keep low.
collectDefaultMetrics({ register: registry })
register(registry, [images, hashes])

export const server = createServer(async (request, response) => {
  if (request.url === '/metrics') {
    return response.setHeader('content-type', registry.contentType).end(await registry.metrics())
  }
  const digest = await hashes.submit(native.sha256, request.url)
  response.end(Buffer.from(digest).toString('hex'))
}).listen(process.env.PORT ?? 0)
