import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { context, propagation, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import * as sdk from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { moduleTasks, ProcessPoolExecutor, ThreadPoolExecutor } from 'concurrent-futures'
import { Histograms, measure } from './metrics.mjs'
import { book, fails, render, spins } from './tasks.mjs'
import { traceTasks } from './tracing.mjs'

const worker = moduleTasks(new URL('./worker.mjs', import.meta.url))

const exporter = new InMemorySpanExporter()
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
context.setGlobalContextManager(new AsyncLocalStorageContextManager())
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
const tracer = trace.getTracer('test')
traceTasks(tracer)

const options = { maxWorkers: 1, maxQueue: 1, initializer: worker.setUp }
const pools = { threads: new ThreadPoolExecutor(options), children: new ProcessPoolExecutor(options) }
after(() => Promise.all(Object.values(pools).map((pool) => pool.shutdown())))

/** The spans of this thread since it was last asked, by name. */
function submitted() {
  const spans = exporter.getFinishedSpans()
  exporter.reset()
  return Object.fromEntries(spans.map((span) => [span.name, span]))
}

/** Those of the workers. */
async function ran(executor) {
  await Promise.all(executor.broadcast(worker.flush))
  const spans = (await Promise.all(executor.broadcast(worker.exported))).flat()
  exporter.reset() // those of the broadcasts
  return Object.fromEntries(spans.map((span) => [span.name, span]))
}

for (const [kind, executor] of Object.entries(pools)) {
  test(`${kind}: a span that a task makes is below its run, below its submission, below the request`, async () => {
    await tracer.startActiveSpan('request', async (span) => {
      assert.equal(await executor.submit(render, 3), 3)
      span.end()
    })
    const { request, 'submit render': submit } = submitted()
    assert.deepEqual(await Promise.all(executor.broadcast(worker.exported)), [[]], 'the batch has not been sent')
    const { 'run render': run, draw } = await ran(executor)
    const { traceId, spanId } = request.spanContext()
    assert.equal(submit.parentSpanContext.spanId, spanId)
    assert.equal(run.parent, submit.spanContext().spanId)
    assert.equal(draw.parent, run.spanId)
    for (const { traceId: own } of [submit.spanContext(), run, draw]) assert.equal(own, traceId)
    const { name, kind: type } = executor.stats()
    assert.equal(submit.attributes['concurrent_futures.executor.name'], name)
    assert.equal(submit.attributes['concurrent_futures.executor.type'], type)
    assert.equal(submit.attributes['concurrent_futures.task.outcome'], 'completed')
    assert.equal(run.attributes['concurrent_futures.task.outcome'], 'completed')
    assert.equal(run.attributes['concurrent_futures.task.id'], submit.attributes['concurrent_futures.task.id'])
    assert.equal(run.attributes['thread.id'], (await executor.dump())[0].threadId)
    assert.equal(draw.attributes.pages, 3)
    assert.equal(submit.status.code, SpanStatusCode.UNSET)
  })

  test(`${kind}: what a task submits is below its run`, async () => {
    assert.equal(await executor.submit(book, 2), 2)
    const { 'submit book': submit } = submitted()
    const { 'run book': outer, 'submit render': nested, 'run render': run, draw } = await ran(executor)
    assert.equal(outer.parent, submit.spanContext().spanId)
    assert.equal(nested.parent, outer.spanId)
    assert.equal(run.parent, nested.spanId)
    assert.equal(draw.parent, run.spanId)
  })

  test(`${kind}: errors, time-outs, cancels and refusals are told by spans`, async () => {
    await executor.submit(fails).exception()
    const { 'submit fails': failed } = submitted()
    const { 'run fails': failedRun } = await ran(executor)
    assert.deepEqual(failed.status, { code: SpanStatusCode.ERROR, message: 'no such page' })
    assert.deepEqual(failedRun.status, failed.status)
    assert.equal(failed.attributes['error.type'], 'RangeError')
    assert.equal(failed.events[0].name, 'exception')

    await executor.with({ timeout: 50 }).submit(spins).exception()
    const { 'submit spins': late } = submitted()
    assert.equal(late.attributes['concurrent_futures.task.outcome'], 'timed_out')
    assert.equal(late.attributes['concurrent_futures.timeout.phase'], 'run')
    assert.equal(late.attributes['error.type'], 'ERR_FUTURE_TIMEOUT')
    assert.equal(late.status.code, SpanStatusCode.ERROR)

    const running = executor.submit(spins)
    while (!running.running()) await new Promise(setImmediate)
    const waiting = executor.submit(render, 1)
    assert.throws(() => executor.submit(render, 2), { code: 'ERR_FUTURE_QUEUE_FULL' })
    const { 'submit render': refused } = submitted()
    assert.equal(refused.attributes['concurrent_futures.task.outcome'], 'refused')
    assert.equal(refused.status.code, SpanStatusCode.ERROR)

    waiting.cancel()
    running.cancel({ interrupt: true })
    await Promise.allSettled([running.result(), waiting.result()])
    const { 'submit spins': stopped, 'submit render': never } = submitted()
    for (const span of [stopped, never]) {
      assert.equal(span.attributes['concurrent_futures.task.outcome'], 'cancelled')
      assert.equal(span.status.code, SpanStatusCode.UNSET)
    }
  })
}

test('metrics are what stats() says, in seconds', async () => {
  const executors = Object.values(pools)
  const metrics = new sdk.InMemoryMetricExporter(sdk.AggregationTemporality.CUMULATIVE)
  const metricProducers = [new Histograms(executors)]
  const reader = new sdk.PeriodicExportingMetricReader({ exporter: metrics, metricProducers })
  const provider = new sdk.MeterProvider({ readers: [reader] })
  measure(provider.getMeter('concurrent-futures'), executors)
  // Workers become idle a moment after the result of their task.
  while (executors.some((executor) => executor.stats().workers.busy > 0)) await new Promise(setImmediate)
  await provider.forceFlush()
  const all = metrics
    .getMetrics()
    .at(-1)
    .scopeMetrics.flatMap((scope) => scope.metrics)
  const points = (name) => all.find(({ descriptor }) => descriptor.name === name).dataPoints
  for (const executor of executors) {
    const stats = executor.stats()
    const own = (name, more = {}) => {
      const wanted = Object.entries({ 'concurrent_futures.executor.name': stats.name, ...more })
      return points(name).find(({ attributes }) => wanted.every(([key, value]) => attributes[key] === value)).value
    }
    const ended = (outcome) => own('concurrent_futures.task.count', { 'concurrent_futures.task.outcome': outcome })
    assert.equal(ended('completed'), stats.completed)
    assert.equal(ended('timed_out'), 1)
    assert.equal(ended('cancelled'), 2)
    assert.equal(ended('failed'), 1)
    assert.equal(own('concurrent_futures.executor.worker.count', { 'concurrent_futures.worker.state': 'idle' }), 1)
    assert.equal(own('concurrent_futures.executor.worker.limit'), 1)
    assert.equal(own('concurrent_futures.executor.queue.size'), 0)
    const run = own('concurrent_futures.task.run_time')
    assert.equal(run.count, stats.runTime.count)
    assert.equal(
      run.buckets.counts.reduce((sum, count) => sum + count),
      run.count,
    )
    assert.equal(run.buckets.boundaries.length, run.buckets.counts.length - 1)
    assert.equal(run.sum, stats.runTime.sum / 1e3)
    assert.ok(run.max >= 0.05 && run.max < 60, String(run.max))
    assert.equal(own('concurrent_futures.task.wait_time').count, stats.waitTime.count)
  }
  await provider.shutdown()
})
