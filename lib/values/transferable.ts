/** Which ArrayBuffers can move. */
import { AsyncResource } from 'node:async_hooks'
import workerThreads from 'node:worker_threads'
import { binding } from '../addon/binding.ts'
import { withoutStacks } from '../errors/without-stacks.ts'
import { bufferOf } from './views.ts'

/**
 * Whether a buffer is marked as untransferable, by its user or as the pool that small Buffers share.
 * Detaching it would break every other Buffer in that pool; from Node 24 on the engine refuses, and N-API
 * ends the process over it.
 */
const ask = (workerThreads as { isMarkedAsUntransferable?: (buffer: ArrayBuffer) => boolean })
  .isMarkedAsUntransferable
const isMarked: (buffer: ArrayBuffer) => boolean = ask ?? ((buffer) => canTell() && isSkipped(buffer))

/**
 * Buffers that have come from another thread, and were not marked then. They often move on, and to find out
 * takes 6 µs, or 30 in a program that has other things to do.
 */
const arrived: WeakSet<ArrayBufferLike> = new WeakSet()
/** Smaller buffers are not noted: few of them are moved for speed. */
const LARGE = 1 << 16

/** Notes bytes that have come from another thread as they are. */
export function noteArrival(value: unknown): void {
  if (ask !== undefined || typeof value !== 'object' || value === null) return
  const bytes = value as ArrayBufferView | ArrayBuffer
  if (bytes.byteLength >= LARGE) arrived.add(ArrayBuffer.isView(bytes) ? bufferOf(bytes) : bytes)
}

/**
 * `structuredClone` of Node 20 makes a channel for each call. Nothing is ever sent. Few programs need it, and
 * it takes most of a millisecond.
 */
let channel: InstanceType<typeof workerThreads.MessageChannel> | undefined
/**
 * The channel stays, so it is made outside the task that happens to need it first, whose AsyncLocalStorage
 * stores would stay with it.
 */
const outside = ask === undefined ? new AsyncResource('FutureChannel') : undefined

/**
 * Node 20 cannot be asked: it copies a marked buffer in silence. But it skips a marked one in the list, so it
 * does not see that the buffer is there twice, and throws over the value instead. Either way it throws before
 * anything has moved.
 */
function isSkipped(buffer: ArrayBuffer): boolean {
  const { port1 } = (channel ??= outside!.runInAsyncScope(() => new workerThreads.MessageChannel()))
  try {
    withoutStacks(() => port1.postMessage(Symbol('unclonable'), [buffer, buffer]))
    return false
  } catch (error) {
    return !(error as Error).message.includes('duplicate')
  }
}

let tells: boolean | undefined

/** Whether the probe tells an unmarked buffer from a marked one, on this runtime. */
function canTell(): boolean {
  return (tells ??= !isSkipped(new ArrayBuffer(1)))
}

/**
 * Why an ArrayBuffer cannot move; undefined if it can. One that `wasAsked` a moment ago is not asked again
 * where that is slow.
 */
export function whyUntransferable(buffer: ArrayBuffer, wasAsked: boolean = false): string | undefined {
  if (ask === undefined && (wasAsked || arrived.has(buffer))) return undefined
  if (!binding.isDetachable(buffer)) return 'it is the memory of a WebAssembly.Memory'
  return isMarked(buffer)
    ? 'it is marked as untransferable, as the pool is that small Buffers share'
    : undefined
}
