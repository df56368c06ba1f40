/** Warnings of errors that ended tasks have left behind in workers. */
import { inspect } from 'node:util'
import { binding } from '../addon/binding.ts'
import { unpackThrown } from '../values/thrown.ts'

/** Warns of what the workers of a pool have met since the last time. */
export function tellStrays(pool: number): void {
  const list = binding.takeStrays(pool)
  for (let at = 0; at < list.length; at += 3) {
    warn(list[at] as string | undefined, read(list[at + 1] as number, list[at + 2]))
  }
}

function read(form: number, data: unknown): unknown {
  try {
    return unpackThrown(form, data)
  } catch (error) {
    return error
  }
}

function warn(task: string | undefined, error: unknown): void {
  const where =
    task === undefined
      ? 'a worker that ran no task has met an error'
      : `${task === '' ? 'a task without a name' : `the task '${task}'`} has left an error behind`
  const what = error instanceof Error ? `${error.name}: ${error.message}` : inspect(error)
  const message = `${where} that nothing has caught, and its worker is replaced: ${what}`
  const warning = new Error(message, { cause: error })
  warning.name = 'StrayErrorWarning'
  // Node prints it below the message.
  const detail = error instanceof Error && typeof error.stack === 'string' ? { detail: error.stack } : {}
  process.emitWarning(Object.assign(warning, detail))
}
