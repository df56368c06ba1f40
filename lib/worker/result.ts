/** Packs what a task returns. */
import { pack, packTransfer } from '../codec.ts'
import { Transfer } from '../moved.ts'

/** Packs a result, of which `transfer()` says what moves. Leaves the form in `packedForm`. @throws DataCloneError, or RangeError for what is too deep or too large */
export function packResult(result: unknown): unknown {
  try {
    return result instanceof Transfer ? packTransfer(result.value, result.list, 'result') : pack(result, 'result')
  } catch (error) {
    throw asResultError(error)
  }
}

/** What the future fails with when its result cannot be packed. */
export function asResultError(error: unknown): unknown {
  if (error instanceof RangeError || (error instanceof DOMException && error.name === 'DataCloneError')) return error
  const why = error instanceof Error ? error.message : String(error)
  return new DOMException(`the result cannot be cloned: ${why}`, 'DataCloneError')
}
