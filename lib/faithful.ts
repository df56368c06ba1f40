/**
 * Which values `v8.Serializer` carries exactly as `structuredClone` does. It throws on shared memory and on host objects, which is
 * harmless, but silently turns Node's own clonable classes (Blob, KeyObject, BlockList, DOMException …) into plain objects: those are
 * found here by the method with which they tell Node how they are cloned.
 */
import { types } from 'node:util'
import { Blob } from 'node:buffer'

const cloneMethod: symbol | undefined = findSymbol(Blob.prototype, 'messaging_clone_symbol')

function findSymbol(prototype: object, name: string): symbol | undefined {
  return Object.getOwnPropertySymbols(prototype).find((symbol) => symbol.description === name)
}

/** Whether the serializer may carry `value` and everything in it. */
export function isFaithful(value: unknown): boolean {
  return visit(value, new Set())
}

function visit(value: unknown, seen: Set<object>): boolean {
  if (typeof value === 'function' || typeof value === 'symbol') return false
  if (typeof value !== 'object' || value === null || seen.has(value)) return true
  seen.add(value)
  if (types.isProxy(value)) return false
  if (ArrayBuffer.isView(value)) return value.buffer instanceof ArrayBuffer
  if (types.isSharedArrayBuffer(value)) return false
  if (types.isArrayBuffer(value) || types.isDate(value) || types.isRegExp(value) || types.isBoxedPrimitive(value)) return true
  if (types.isMap(value)) {
    for (const [key, item] of value) if (!visit(key, seen) || !visit(item, seen)) return false
    return true
  }
  if (types.isSet(value)) {
    for (const item of value) if (!visit(item, seen)) return false
    return true
  }
  if (isHostLike(value)) return false
  if (types.isNativeError(value)) return !('cause' in value) || visit(value.cause, seen)
  for (const key of Object.keys(value)) if (!visit((value as Record<string, unknown>)[key], seen)) return false
  return true
}

function isHostLike(value: object): boolean {
  if (types.isExternal(value) || types.isPromise(value) || types.isWeakMap(value) || types.isWeakSet(value)) return true
  if (types.isGeneratorObject(value) || types.isModuleNamespaceObject(value)) return true
  if (cloneMethod !== undefined && cloneMethod in value) return true
  return value instanceof DOMException
}
