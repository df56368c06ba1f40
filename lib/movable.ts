/** Which ArrayBuffers can move. */
import * as workerThreads from 'node:worker_threads'
import { binding } from './binding.ts'
import { withoutStacks } from './without-stacks.ts'

/**
 * Whether a buffer is marked as untransferable, by its user or as the pool that small Buffers share. Detaching it would break every other Buffer
 * in that pool; from Node 24 on the engine refuses, and N-API ends the process over it.
 */
const ask = (workerThreads as { isMarkedAsUntransferable?: (buffer: ArrayBuffer) => boolean }).isMarkedAsUntransferable
const isMarked: (buffer: ArrayBuffer) => boolean = ask ?? (isSkipped(new ArrayBuffer(1)) ? () => false : isSkipped)

/**
 * Node 20 cannot be asked: it copies a marked buffer in silence. But it does not look at one, so it does not see that the buffer is in the list
 * twice, and complains of the value instead. Either way it throws before anything has moved.
 */
function isSkipped(buffer: ArrayBuffer): boolean {
  try {
    withoutStacks(() => structuredClone(Symbol('unclonable'), { transfer: [buffer, buffer] }))
    return false
  } catch (error) {
    return !(error as Error).message.includes('duplicate')
  }
}

/** Why an ArrayBuffer cannot move; undefined if it can. One that `wasAsked` a moment ago is not asked again where that is dear. */
export function whyFixed(buffer: ArrayBuffer, wasAsked: boolean = false): string | undefined {
  if (wasAsked && ask === undefined) return undefined
  if (!binding.isDetachable(buffer)) return 'it is the memory of a WebAssembly.Memory'
  return isMarked(buffer) ? 'it is marked as untransferable, as the pool is that small Buffers share' : undefined
}
