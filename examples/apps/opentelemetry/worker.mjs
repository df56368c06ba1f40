// What each worker loads before its first task: an SDK of its own, with an exporter of its own. In a program
// that is OTLPTraceExporter; this one keeps its spans, and a test takes them.
import { context, propagation, trace } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { BasicTracerProvider, BatchSpanProcessor, InMemorySpanExporter } from '@opentelemetry/sdk-trace-base'
import { contextManager, traceRuns, traceTasks } from './tracing.mjs'

const exporter = new InMemorySpanExporter()
const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] })

export function setUp() {
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(contextManager)
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  const tracer = trace.getTracer('concurrent-futures')
  traceRuns(tracer)
  // Tasks that a task submits are told here.
  traceTasks(tracer)
}

/** A worker does not wait for what its batches hold: `executor.broadcast(flush)` comes before shutdown(). */
export const flush = () => provider.forceFlush()

export function exported() {
  const spans = exporter.getFinishedSpans().map((span) => ({
    name: span.name,
    traceId: span.spanContext().traceId,
    spanId: span.spanContext().spanId,
    parent: span.parentSpanContext?.spanId,
    attributes: span.attributes,
    status: span.status,
  }))
  exporter.reset()
  return spans
}
