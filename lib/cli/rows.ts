/** What a worker answers for an item, and what the joblog says of it. */
import { inspect } from 'node:util'

/** The line of the result; the error's code or name, '' without an error; when it began; how long it took. */
export type Row = [text: string, label: string, start: number, ms: number]

/** Stands in the joblog for success, so no error is called that. */
export const OK = 'ok'

/** The row of an item that has failed, made of what was thrown. */
export function failed(error: unknown, start: number, ms: number): Row {
  const { name, message, code } = describe(error)
  const label = code === undefined || code === '' ? name : String(code)
  return [JSON.stringify({ error: { name, message, code } }), label === OK ? 'Error' : label, start, ms]
}

interface Described {
  readonly name: string
  readonly message: string
  readonly code: string | number | undefined
}

/** Name, message and code of what was thrown, whatever it is. */
export function describe(error: unknown): Described {
  try {
    if (typeof error !== 'object' || error === null) {
      return { name: 'Error', message: String(error), code: undefined }
    }
    const { name, message, code } = error as Record<string, unknown>
    const isCode = typeof code === 'string' || typeof code === 'number'
    return {
      name: typeof name === 'string' && name !== '' ? name : 'Error',
      message: typeof message === 'string' ? message : inspect(error),
      code: isCode ? code : undefined,
    }
  } catch {
    return { name: 'Error', message: 'what was thrown cannot be read', code: undefined }
  }
}

/** The same error with why a worker was lost in its message, of which a line of output has nothing else. */
export function explained(error: unknown): unknown {
  const { cause, exitCode } = Object(error) as { cause?: unknown; exitCode?: unknown }
  const why = cause === undefined ? undefined : describe(cause).message
  const end = typeof exitCode === 'number' ? `exit code ${exitCode}` : undefined
  if (why === undefined && end === undefined) return error
  const { name, message, code } = describe(error)
  return { name, message: `${message}: ${why ?? end}`, code }
}
