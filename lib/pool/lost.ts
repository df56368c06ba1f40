/**
 * Tasks that were lost with their worker. Why, the exit of the worker's thread says, which arrives a moment
 * after the task's end. Until then the error that is stored is not complete: whoever waits for it without
 * blocking gets it when it is, whoever blocks gets it at once, and the rest is added to the same object.
 */
import { binding } from '../addon/binding.ts'
import { ROW_KIND_MASK, ROW_LOST } from '../addon/seam.ts'
import { WorkerLostError } from '../errors/errors.ts'
import { addToMessage } from '../errors/messages.ts'
import { completeLater, storedOutcome } from '../future/future.ts'
import type { Future } from '../future/future.ts'
import { define } from '../host/define.ts'
import { clearTimeout, setTimeout } from '../host/timers.ts'
import { awaitedWorker } from './outcomes.ts'
import { exitOf } from './worker-exits.ts'
import type { WorkerExit } from './worker-exits.ts'

/** What Node calls the error of a thread that it has ended for its memory. */
const OUT_OF_MEMORY = 'ERR_WORKER_OUT_OF_MEMORY'

/** The longest that a lost future waits for its worker's exit. */
const EXIT_LIMIT = 2_000

/** Has the error that was stored for a row of the header completed, if it is that of a lost task. */
export function completeLost(future: Future<any>, row: number, number: number): void {
  const worker = (row & ROW_KIND_MASK) === ROW_LOST ? awaitedWorker(row, number) : undefined
  const exit = worker === undefined ? undefined : exitOf(worker)
  if (exit !== undefined) completeLater(future, withinLimit(exit.then((end) => complete(future, end))))
}

function complete(future: Future<any>, { code, cause }: WorkerExit): void {
  const stored = storedOutcome(future)?.value as { exitCode?: number; cause?: unknown } | undefined
  if (!(stored instanceof WorkerLostError)) return
  Object.assign(stored, { exitCode: code })
  if (cause === undefined) return
  define(stored, 'cause', { value: cause, writable: true, configurable: true })
  if ((cause as { code?: unknown } | null)?.code === OUT_OF_MEMORY) {
    addToMessage(stored, ': it ran out of memory (resourceLimits says how much it may have)')
  }
}

/** Resolves with `end`, or when it is late. Meanwhile the event loop is kept alive. */
function withinLimit(end: Promise<void>): Promise<void> {
  binding.keepAlive(true)
  return new Promise((resolve) => {
    let isOver = false
    const finish = (): void => {
      if (isOver) return
      isOver = true
      clearTimeout(limit)
      binding.keepAlive(false)
      resolve()
    }
    const limit = setTimeout(finish, EXIT_LIMIT)
    void end.then(finish)
  })
}
