/** Which ArrayBuffers can move. */
import * as workerThreads from 'node:worker_threads'
import { binding } from './binding.ts'
import { bufferOf } from './views.ts'
import { withoutStacks } from './without-stacks.ts'

/**
 * Whether a buffer is marked as untransferable, by its user or as the pool that small Buffers share. Detaching it would break every other Buffer
 * in that pool; from Node 24 on the engine refuses, and N-API ends the process over it.
 */
const ask = (workerThreads as { isMarkedAsUntransferable?: (buffer: ArrayBuffer) => boolean }).isMarkedAsUntransferable
/** `structuredClone` of Node 20 makes a channel for each call. Nothing is ever sent. */
const channel = ask === undefined ? new workerThreads.MessageChannel() : undefined
const isMarked: (buffer: ArrayBuffer) => boolean = ask ?? (isSkipped(new ArrayBuffer(1)) ? () => false : isSkipped)

/** Buffers that have come from another thread, which nobody had marked then. They often move on, and to find out takes 6 µs, or 30 in a program that has other things to do. */
const arrived: WeakSet<ArrayBufferLike> = new WeakSet()
/** Fewer bytes are not moved for speed. */
const LARGE = 1 << 16

/** Notes bytes that have come from another thread as they are. */
export function noteArrival(value: unknown): void {
  if (ask !== undefined || typeof value !== 'object' || value === null) return
  const bytes = value as ArrayBufferView | ArrayBuffer
  if (bytes.byteLength >= LARGE) arrived.add(ArrayBuffer.isView(bytes) ? bufferOf(bytes) : bytes)
}

/**
 * Node 20 cannot be asked: it copies a marked buffer in silence. But it does not look at one, so it does not see that the buffer is in the list
 * twice, and complains of the value instead. Either way it throws before anything has moved.
 */
function isSkipped(buffer: ArrayBuffer): boolean {
  try {
    withoutStacks(() => channel?.port1.postMessage(Symbol('unclonable'), [buffer, buffer]))
    return false
  } catch (error) {
    return !(error as Error).message.includes('duplicate')
  }
}

/** Why an ArrayBuffer cannot move; undefined if it can. One that `wasAsked` a moment ago is not asked again where that is dear. */
export function whyFixed(buffer: ArrayBuffer, wasAsked: boolean = false): string | undefined {
  if (ask === undefined && (wasAsked || arrived.has(buffer))) return undefined
  if (!binding.isDetachable(buffer)) return 'it is the memory of a WebAssembly.Memory'
  return isMarked(buffer) ? 'it is marked as untransferable, as the pool is that small Buffers share' : undefined
}
