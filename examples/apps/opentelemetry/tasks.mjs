// Tasks that know nothing of executors: what they trace is below the span of their run.
import { setTimeout as sleep } from 'node:timers/promises'
import { trace } from '@opentelemetry/api'

const tracer = trace.getTracer('report')

export async function render(pages) {
  await sleep(1)
  return tracer.startActiveSpan('draw', (span) => {
    span.setAttribute('pages', pages)
    span.end()
    return pages
  })
}

export function fails() {
  throw new RangeError('no such page')
}

export function spins() {
  for (;;);
}
