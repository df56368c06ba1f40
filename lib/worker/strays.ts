/**
 * Errors that nobody has caught. Node would end the thread, and every task that it holds would be lost for
 * it. The async context in which Node reports such an error tells whose it is: if that task has ended, the
 * error is handled here, the thread that has made the executor warns of it, and the worker retires.
 * docs/shutdown.md says what can be told on which Node.
 */
import { binding } from '../addon/binding.ts'
import { currentStore, hasStoresOnResources } from '../tasks/current-task.ts'
import type { TaskContext } from '../tasks/current-task.ts'
import { isChild } from '../tasks/recursion.ts'
import { results } from '../values/means.ts'
import { packThrown } from '../values/thrown.ts'
import { endOfError, hasLeft } from './leave.ts'
import { noteOrigin } from './origin.ts'
import { isRecovering } from './recovery.ts'

/** So many errors of a worker are told: it goes on only for the tasks that it holds. */
const MOST_TOLD = 10

let told = 0

/** How many uncaught errors there were, and the stops that were made one. */
export let uncaught: number = 0

/** Looks at each uncaught error from now on. */
export function watchStrays(): void {
  if (hasStoresOnResources()) noteMicrotasks()
  process.on('uncaughtExceptionMonitor', (error) => {
    uncaught++
    if (isRecovering) return
    if (hasLeft) {
      endQuietly()
      return
    }
    const context = thrownInMicrotask(error) ?? currentStore()
    const task = noteOrigin(context) ? undefined : context
    // Of all tasks that are lost with the worker it is the cause: more than one thread may read it.
    const { form, data } = packThrown(error, results().reread)
    if (isForUser() || binding.mustDieOf(task?.token ?? 0)) {
      binding.noteCause(form, data)
      endQuietly()
      return
    }
    // The listener makes Node take the error for handled.
    process.once('uncaughtException', () => {})
    if (told++ < MOST_TOLD) binding.noteStray(task?.name, form, data)
  })
}

/**
 * Called when Node is about to end this worker for an error: has a child end as it would, but without the
 * error on its standard error, where it is the parent's to tell.
 */
export function endQuietly(): void {
  if (isChild && !isForUser()) process.once('uncaughtException', endOfError)
}

/** Whether code of the user's will be given the error. */
function isForUser(): boolean {
  return process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback()
}

/** What the last microtask has thrown that has thrown. */
let last: { readonly error: unknown; readonly task: TaskContext | undefined } | undefined

function thrownInMicrotask(error: unknown): TaskContext | undefined {
  const thrown = last
  last = undefined
  return thrown !== undefined && Object.is(thrown.error, error) ? thrown.task : undefined
}

/**
 * Where stores are properties of async resources, Node leaves the microtask's before it reports what that has
 * thrown: the task is noted in time.
 */
function noteMicrotasks(): void {
  const queue = globalThis.queueMicrotask
  const noting = {
    queueMicrotask(callback: () => void): void {
      if (typeof callback !== 'function') {
        queue(callback)
        return
      }
      queue(() => {
        try {
          callback()
        } catch (error) {
          last = { error, task: currentStore() }
          throw error
        }
      })
    },
  }
  globalThis.queueMicrotask = noting.queueMicrotask
}
