/**
 * Runs one task after the other in one callback scope of Node, until the addon has none or something else
 * comes first. Between two tasks, ticks and microtasks run, as between two timers; see docs/doorbell.md.
 */
import { binding, scratch } from '../addon/binding.ts'
import { AT_TASK_FUNCTION } from '../addon/seam.ts'
import { canRunTicks, runNextTicks } from '../host/ticks.ts'
import { enterContext, hasStoresOnResources } from '../tasks/current-task.ts'
import { dispatch } from './dispatch.ts'
import { uncaught } from './strays.ts'

// Properties of `binding`, which has many, take longer to read.
const { beginTask, endTask } = binding

function serve(): void {
  const before = uncaught
  for (;;) {
    const values = beginTask()
    if ((scratch[AT_TASK_FUNCTION] as number) < 0) return
    const result = dispatch(values, enterContext)
    if (result === undefined) endTask()
    else endTask(result)
    if ((scratch[AT_TASK_FUNCTION] as number) < 0) return
    runNextTicks()
    // Node has emptied the stack of this scope.
    if (uncaught !== before) return
  }
}

/**
 * The loop; undefined where each task needs a callback scope of its own: where the stores of a task stay on
 * the resource of the scope, and where ticks cannot be run here.
 */
export function loopOfTasks(): (() => void) | undefined {
  return canRunTicks && !hasStoresOnResources() ? serve : undefined
}
