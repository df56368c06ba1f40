/**
 * How what a task throws crosses: an error as a list of descriptions (errors/description.ts), any other value as itself. What of an error
 * cannot be cloned is left out; the rest arrives.
 */
import { describeErrors, isError, keepClonable, makeErrors } from '../errors/description.ts'
import type { Description } from '../errors/description.ts'
import { canSend, withoutSending } from '../ports/worker.ts'
import { describe } from './clone-error.ts'
import { pack, packedForm, unpack } from './codec.ts'
import { DESCRIPTION } from './forms.ts'

/** The form of what `packThrown` returned last. */
export let thrownForm: number = 0

/** Packs whatever was thrown; never throws. Leaves the form in `thrownForm`. */
export function packThrown(thrown: unknown): unknown {
  try {
    if (isError(thrown)) return packError(thrown)
    const data = pack(thrown, 'the thrown value')
    thrownForm = packedForm
    return data
  } catch (error) {
    return packDescriptions([lastResort(thrown, error)])
  }
}

function packError(error: Error): unknown {
  const list = describeErrors(error)
  try {
    return packDescriptions(list)
  } catch {
    // Something cannot be cloned: each value is tried by itself.
    keepClonable(list, cloneAlone)
    return packDescriptions(list)
  }
}

function packDescriptions(list: Description[]): unknown {
  const data = pack(list.length === 1 ? list[0] : list)
  thrownForm = packedForm | DESCRIPTION
  return data
}

/** A copy that can surely be packed again. @throws DataCloneError */
function cloneAlone(value: unknown): unknown {
  let data: unknown
  try {
    data = withoutSending(() => pack(value))
  } catch (error) {
    // What is too large to be packed no port carries either.
    if (!canSend || error instanceof RangeError) throw error
    return structuredClone(value)
  }
  return unpack(packedForm, data)
}

/** Makes what was thrown anew. */
export function unpackThrown(form: number, data: unknown): unknown {
  const value: unknown = unpack(form & ~DESCRIPTION, data)
  if ((form & DESCRIPTION) === 0) return value
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
