/**
 * The end of the process, or of a user's own Worker. Node joins every worker thread before it exits, so one
 * that never ends would block the exit for ever: then, and only then, a native thread ends the process after
 * a second.
 *
 * When the event loop is about to end by itself, it is kept alive until the output of the workers has come
 * (worker/stdio.ts), for a second at most: nothing else keeps it.
 */
import { isMainThread } from 'node:worker_threads'
import { binding } from '../addon/binding.ts'
import { define } from '../host/define.ts'
import { clearTimeout, setImmediate, setTimeout } from '../host/timers.ts'

interface Closable {
  exit(): void
  /** Promises that the output of its workers is here. */
  output(): Promise<unknown>[]
  /** Whether threads of it are not ready yet: they cannot be asked to stop. */
  readonly isStarting: boolean
  readonly isClosed: boolean
}

const FORCE_AFTER = 1_000
const OUTPUT_LIMIT = 1_000

const open: Set<WeakRef<Closable>> = new Set()
let isListening = false

/** Closes `pool` when this isolate exits. */
export function atExit(pool: Closable): void {
  for (const ref of open) if (ref.deref()?.isClosed !== false) open.delete(ref)
  open.add(new WeakRef(pool))
  listen()
  listenBefore()
}

function listen(): void {
  if (isListening) return
  isListening = true
  process.on('exit', (code) => {
    let isStarting = false
    for (const ref of open) {
      const pool = ref.deref()
      pool?.exit()
      isStarting ||= pool?.isStarting === true
    }
    if (isMainThread && (isStarting || binding.mustForceExit())) {
      binding.exitAfter(Number(process.exitCode ?? code), FORCE_AFTER)
    }
  })
}

let isListeningBefore = false

/**
 * Puts off `beforeExit` until the output has come. As a listener of it we could not: the others would be
 * called now, and once more when the event loop, which we have kept, is about to end again.
 */
function listenBefore(): void {
  if (isListeningBefore) return
  isListeningBefore = true
  const original = process.emit as (...args: unknown[]) => boolean
  // Named as what it stands for: Node names it in a warning.
  function emit(this: unknown, ...args: unknown[]): boolean {
    if (args[0] === 'beforeExit' && this === process && isOutputComing()) return false
    return Reflect.apply(original, this, args)
  }
  define(process, 'emit', { value: emit, writable: true, configurable: true })
}

/** Whether output is still to come; then the event loop is kept until it has. */
function isOutputComing(): boolean {
  const output = [...open].flatMap((ref) => ref.deref()?.output() ?? [])
  if (output.length > 0) void awaitOutput(output)
  return output.length > 0
}

/**
 * Keeps the event loop for the output, which comes by other ports than the answers: by the end of the next
 * turn it is all there.
 */
async function awaitOutput(output: Promise<unknown>[]): Promise<void> {
  const limit = setTimeout(() => {}, OUTPUT_LIMIT)
  await Promise.all(output)
  for (let turn = 0; turn < 2; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
  clearTimeout(limit)
}

// The executors may all be in Workers of the user's, whose ends do not tell whether the process ends too.
if (isMainThread) listen()
