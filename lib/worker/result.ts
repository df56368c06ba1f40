/** Packs what a task returns. */
import { pack, packTransfer } from '../values/codec.ts'
import type { Packed } from '../values/codec.ts'
import { takeList } from '../values/transfer.ts'

/**
 * Packs a result, of which `list`, by default what `transfer()` said, moves. @throws DataCloneError, or
 * RangeError for what is too deep or too large
 */
export function packResult(result: unknown, list: readonly object[] | undefined = takeList(result)): Packed {
  try {
    return list === undefined ? pack(result, 'result') : packTransfer(result, list, 'result')
  } catch (error) {
    throw asResultError(error)
  }
}

/** What the future fails with when its result cannot be packed. */
export function asResultError(error: unknown): unknown {
  if (error instanceof RangeError || (error instanceof DOMException && error.name === 'DataCloneError')) {
    return error
  }
  const why = error instanceof Error ? error.message : String(error)
  return new DOMException(`the result cannot be cloned: ${why}`, 'DataCloneError')
}
