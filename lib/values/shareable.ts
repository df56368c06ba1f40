/**
 * How a value is packed that is to be shared: so that any isolate of this process can make it again and
 * again, and another process can, too, unless it holds shared memory.
 */
import { FORM_AS_IS, FORM_WHOLE } from '../addon/seam.ts'
import { placedError } from './clone-error.ts'
import { goesAsIs, movesWhole, packObject, packTransferred } from './codec.ts'
import type { Packed } from './codec.ts'
import { TO_ALL } from './means.ts'
import { checkTransfer } from './v8/transfer.ts'

/** @throws DataCloneError that names the place; RangeError */
export function packShared(value: unknown, transfer: readonly object[] = []): Packed {
  try {
    return transfer.length === 0 ? packAll(value) : packMoving(value, transfer)
  } catch (error) {
    throw placedError(value, 'the shared value', error, transfer)
  }
}

function packAll(value: unknown): Packed {
  return goesAsIs(value) ? { form: FORM_AS_IS, data: value } : packObject(value, TO_ALL)
}

function packMoving(value: unknown, transfer: readonly object[]): Packed {
  if (movesWhole(value, transfer)) return { form: FORM_WHOLE, data: value }
  const buffers = checkTransfer(transfer)
  // Each isolate gets a copy of the memory, which could not be resized any more as this one could.
  const isResizable = buffers?.some((buffer) => (buffer as { resizable?: boolean }).resizable) === true
  if (isResizable) return { ...packAll(value), emptied: buffers as ArrayBuffer[] }
  return packTransferred(value, transfer, TO_ALL)
}
