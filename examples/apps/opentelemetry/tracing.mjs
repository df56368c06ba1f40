// Spans of tasks. `traceTasks` makes one where a task is submitted, which ends when its result is delivered;
// `traceRuns` one below it where it runs, in which the task finds itself: its own spans are below that.
// Only @opentelemetry/api is needed here; the SDKs are set up in the test and in worker.mjs.
import { AsyncLocalStorage } from 'node:async_hooks'
import { channel, tracingChannel } from 'node:diagnostics_channel'
import { context, propagation, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'

const OUTCOMES = {
  ERR_FUTURE_CANCELLED: 'cancelled',
  ERR_FUTURE_TIMEOUT: 'timed_out',
  ERR_FUTURE_WORKER_LOST: 'lost',
  ERR_FUTURE_QUEUE_FULL: 'refused',
}

function end(span, message) {
  const { error } = message
  const outcome = 'error' in message ? (OUTCOMES[error?.code] ?? 'failed') : 'completed'
  span.setAttribute('concurrent_futures.task.outcome', outcome)
  if ('error' in message) span.setAttribute('error.type', String(error?.code ?? error?.name ?? typeof error))
  if (error?.phase !== undefined) span.setAttribute('concurrent_futures.timeout.phase', error.phase)
  // A task that was cancelled is as somebody wanted it.
  if ('error' in message && outcome !== 'cancelled') {
    span.recordException(error instanceof Error ? error : String(error))
    span.setStatus({ code: SpanStatusCode.ERROR, message: String(error?.message ?? error) })
  }
  span.end()
}

/** Of all executors of this thread. */
export function traceTasks(tracer) {
  const spans = new WeakMap()
  channel('tracing:concurrent-futures:task:start').subscribe((message) => {
    const { executor, kind, name, priority, carrier } = message
    const attributes = {
      'concurrent_futures.executor.name': executor,
      'concurrent_futures.executor.type': kind,
      'concurrent_futures.task.priority': priority,
    }
    const span = tracer.startSpan(`submit ${name || 'task'}`, { attributes })
    spans.set(message, span)
    propagation.inject(trace.setSpan(context.active(), span), carrier)
  })
  channel('tracing:concurrent-futures:task:end').subscribe((message) => {
    const span = spans.get(message)
    if (message.id !== undefined) span?.setAttribute('concurrent_futures.task.id', message.id)
    // It was refused, and nothing else is told of it.
    else if (span !== undefined && 'error' in message) end(span, message)
  })
  channel('tracing:concurrent-futures:task:asyncEnd').subscribe((message) => {
    const span = spans.get(message)
    if (span !== undefined) end(span, message)
  })
}

const storage = new AsyncLocalStorage()

/** What `context.active()` asks in a worker. Its store is one that a channel can set, so it is made here. */
export const contextManager = {
  active: () => storage.getStore() ?? ROOT_CONTEXT,
  with: (active, fn, self, ...args) => storage.run(active, () => fn.apply(self, args)),
  bind: (active, fn) => (typeof fn !== 'function' ? fn : (...args) => storage.run(active, () => fn(...args))),
  enable: () => contextManager,
  disable: () => contextManager,
}

/** Of all tasks that run in this worker, if `contextManager` is the one of this thread. */
export function traceRuns(tracer) {
  const spans = new WeakMap()
  const run = tracingChannel('concurrent-futures:run')
  const finish = (message) => {
    const span = spans.get(message)
    if (span !== undefined && spans.delete(message)) end(span, message)
  }
  run.start.bindStore(storage, (message) => {
    const { id, name, carrier, threadId } = message
    const parent = propagation.extract(ROOT_CONTEXT, carrier ?? {})
    const attributes = { 'concurrent_futures.task.id': id, 'thread.id': threadId }
    const span = tracer.startSpan(`run ${name || 'task'}`, { attributes }, parent)
    spans.set(message, span)
    return trace.setSpan(parent, span)
  })
  // Of a promise, or a stream, nothing is known at the end of the call.
  run.end.subscribe((message) => ('result' in message || 'error' in message) && finish(message))
  run.asyncEnd.subscribe(finish)
}
