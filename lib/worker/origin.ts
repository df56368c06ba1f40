/**
 * Where code of a worker comes from that is no task's: from the loading of a module, or the initializer. Each
 * of them runs in an async context of its own, which its timers, promises and callbacks inherit. So when one
 * of these ends the worker, the context tells which tasks are to blame: those of that module, or none.
 */
import { binding } from '../addon/binding.ts'
import { currentStore, runInContext, TaskContext } from '../tasks/current-task.ts'

/** The initializer; other origins are the numbers of functions. */
const INITIALIZER = -1

class Origin extends TaskContext {
  readonly number: number

  constructor(number: number) {
    super(0, undefined, 0, undefined)
    this.number = number
    // It is no task's, so `currentTask()` gives null.
    this.isOver = true
  }
}

/** Runs what loads this function. */
export function loading<T>(number: number, load: () => T): T {
  return runInContext(new Origin(number), load) as T
}

/** Runs the initializer. */
export function initializing<T>(initialize: () => T): T {
  return runInContext(new Origin(INITIALIZER), initialize) as T
}

/**
 * The code of this context ends the worker: tells the addon where it comes from, if that is known. Whether it
 * is.
 */
export function noteOrigin(context: TaskContext | undefined = currentStore()): boolean {
  if (!(context instanceof Origin)) return false
  binding.noteOrigin(context.number)
  return true
}
