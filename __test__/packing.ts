/** Packing a value as the codec does, for tests that ask afterwards which form it took. */
import { FORM_AS_IS } from '../lib/addon/seam.ts'
import { pack as packValue } from '../lib/values/codec.ts'
import type { Means } from '../lib/values/means.ts'

/** The form of what was packed last. */
export let packedForm: number = FORM_AS_IS

/** Packs a value, and gives what crosses. */
export function pack(value: unknown, means?: Means): unknown {
  const packed = packValue(value, undefined, means)
  packedForm = packed.form
  return packed.data
}
