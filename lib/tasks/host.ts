/**
 * The copy of the package whose worker this isolate is, for the other copies in it: a task's module may have
 * loaded another one than the worker.
 */
import { sharedByCopies } from '../host/copies.ts'

/** What a worker's copy tells the others of the code that calls. */
export interface TaskHost {
  /** As `currentTask()`. */
  task(): unknown
  /** As `currentExecutor()`. */
  executor(): unknown
}

const shared: { host?: TaskHost } = sharedByCopies('task-host', () => ({}))

/** This copy's worker runs the tasks of this isolate. */
export function setTaskHost(host: TaskHost): void {
  shared.host = host
}

/** Whoever runs the tasks of this isolate, which may be this copy itself. */
export function taskHost(): TaskHost | undefined {
  return shared.host
}
