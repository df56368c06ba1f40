/** How a call, and later its end, are told to a tracing channel. */
import { AsyncResource } from 'node:async_hooks'
import type { Tracing } from './channels.ts'

/** What is told of a call; its end writes into it. */
interface Message {
  result?: unknown
  error?: unknown
}

/**
 * Calls `fn` between `start` and `end`, with the stores that are bound to `start`. It gets the async context
 * in which it runs, for {@link traceEnd}.
 */
export function traceCall<M extends Message, T>(
  { start, end, error }: Tracing,
  message: M,
  fn: (context: AsyncResource) => T,
): T {
  return start.runStores(message, () => {
    try {
      return fn(new AsyncResource('concurrent-futures'))
    } catch (thrown) {
      message.error = thrown
      error.publish(message)
      throw thrown
    } finally {
      end.publish(message)
    }
  }) as T
}

/** How what was called has come out. */
export type End = { readonly result: unknown } | { readonly error: unknown; readonly result?: unknown }

/** Calls `fn`, what the end leads to, between `asyncStart` and `asyncEnd`. */
export function traceEnd<M extends Message>(
  { asyncStart, asyncEnd, error }: Tracing,
  message: M,
  context: AsyncResource,
  outcome: End,
  fn: () => void,
): void {
  context.runInAsyncScope(() => {
    if ('result' in outcome) message.result = outcome.result
    if ('error' in outcome) {
      message.error = outcome.error
      error.publish(message)
    }
    asyncStart.runStores(message, () => {
      try {
        fn()
      } finally {
        asyncEnd.publish(message)
      }
    })
  })
}
