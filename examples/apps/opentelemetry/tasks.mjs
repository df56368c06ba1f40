// What tasks trace is below the span of their run, and so is what they submit.
import { setTimeout as sleep } from 'node:timers/promises'
import { trace } from '@opentelemetry/api'
import { currentExecutor, tasks } from 'concurrent-futures'

const tracer = trace.getTracer('report')

export const { render, book, fails, spins } = tasks(import.meta, {
  async render(pages) {
    await sleep(1)
    return tracer.startActiveSpan('draw', (span) => {
      span.setAttribute('pages', pages)
      span.end()
      return pages
    })
  },
  async book(pages) {
    return await currentExecutor().submit(render, pages)
  },
  fails() {
    throw new RangeError('no such page')
  },
  spins() {
    for (;;);
  },
})
