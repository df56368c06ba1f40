/** What `util.inspect` shows of a future, after CPython's repr: `Future <finished, returned Number>`. */
import { CANCEL, ERROR } from './states.ts'
import type { FutureState, StoredOutcome } from './states.ts'

/** The class of a value, for display: never fails, whatever the value is. */
function className(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  try {
    const name: unknown = (Object(value) as object).constructor?.name
    const known = typeof name === 'string' && name !== '' ? name : 'Object'
    // An error of a user's class arrives from a worker as an Error that has only the name of its class.
    const own: unknown = known === 'Error' ? (value as Error).name : undefined
    return typeof own === 'string' && own !== '' ? own : known
  } catch {
    return 'Object'
  }
}

/** Describes `future` by what `look` finds, which throws for a prototype: that has no state. */
export function describeFuture(
  future: object,
  look: () => { state: FutureState; outcome: StoredOutcome | undefined },
): string {
  const name = className(future)
  let found: ReturnType<typeof look>
  try {
    found = look()
  } catch {
    return name
  }
  const { state, outcome } = found
  if (outcome === undefined || outcome.kind === CANCEL) return `${name} <${state}>`
  return `${name} <finished, ${outcome.kind === ERROR ? 'raised' : 'returned'} ${className(outcome.value)}>`
}
