/**
 * How what a task throws crosses: an error as a list of descriptions (errors/description.ts), any other value
 * as itself. What of an error cannot be cloned is left out; the rest arrives.
 */
import { describeErrors, isError, keepClonable, makeErrors } from '../errors/description.ts'
import type { Description } from '../errors/description.ts'
import { canSend } from '../ports/worker.ts'
import { describe, placedError } from './clone-error.ts'
import { goesAsIs, noPort, pack, packObject, unpack } from './codec.ts'
import type { Packed } from './codec.ts'
import { results } from './means.ts'
import type { Means } from './means.ts'
import { FORM_DESCRIPTION, FORM_PORT } from '../addon/seam.ts'

/** Packs whatever was thrown; never throws. */
export function packThrown(thrown: unknown, means: Means = results().all): Packed {
  try {
    return isError(thrown) ? packError(thrown, means) : pack(thrown, 'the thrown value', means)
  } catch (error) {
    return packDescriptions([lastResort(thrown, error)], means)
  }
}

/** Packs what many may read, once or never; undefined for a value that cannot be cloned. */
export function packReason(reason: unknown, means: Means): Packed | undefined {
  try {
    return isError(reason) ? packError(reason, means) : pack(reason, 'the reason', means)
  } catch {
    return undefined
  }
}

function packError(error: Error, means: Means): Packed {
  const list = describeErrors(error)
  try {
    return packDescriptions(list, means)
  } catch {
    // Something cannot be cloned: each value is tried by itself.
    keepClonable(list, (value) => cloneAlone(value, means))
    return packDescriptions(list, means)
  }
}

function packDescriptions(list: Description[], means: Means): Packed {
  const { form, data } = pack(list.length === 1 ? list[0] : list, undefined, means)
  return { form: form | FORM_DESCRIPTION, data }
}

/** A copy that can surely be packed again. @throws DataCloneError */
function cloneAlone(value: unknown, means: Means): unknown {
  if (goesAsIs(value)) return value
  try {
    const { form, data } = packObject(value, means)
    if (form !== FORM_PORT) return unpack(form, data)
    if (!canSend || !means.maySend) throw noPort()
    // It is a copy, not sent yet.
    return data
  } catch (error) {
    throw placedError(value, 'the value', error)
  }
}

/** Makes what was thrown anew. */
export function unpackThrown(form: number, data: unknown): unknown {
  const value: unknown = unpack(form & ~FORM_DESCRIPTION, data)
  if ((form & FORM_DESCRIPTION) === 0) return value
  return makeErrors(Array.isArray(value) ? (value as Description[]) : [value as Description])
}

function lastResort(thrown: unknown, reason: unknown): Description {
  let message = 'the thrown value cannot be cloned'
  try {
    message = reason instanceof Error ? reason.message : `${message}: ${describe(thrown)}`
  } catch {
    // Nothing of it can be read.
  }
  return { class: 'DOMException', name: 'DataCloneError', message }
}
