/**
 * Deadlines stand still while a debugger holds a thread at a breakpoint: a task must not time out while a
 * person looks at it. Where an inspector listens, each isolate has a session of its own, which is told when
 * another session, that of the debugger, pauses its thread. Node runs the listener on the paused thread.
 * Without a debugger this session pauses nothing: Node does not wait for a session of the program's own.
 */
import { isMainThread } from 'node:worker_threads'
import { binding } from '../addon/binding.ts'

type Inspector = typeof import('node:inspector')

let isWatching = false

/**
 * Watches for breakpoints from now on, if an inspector listens. Cheap if not: called again whenever an
 * executor or a worker starts.
 */
export function watchDebugger(): void {
  if (isWatching) return
  const inspector = builtin()
  if (inspector === undefined) return
  if (isMainThread && inspector.url() !== undefined) binding.noteInspector()
  // Only the main thread can see whether an inspector listens.
  if (!binding.isInspected()) return
  isWatching = true
  const session = new inspector.Session()
  session.connect()
  session.on('Debugger.paused', () => binding.holdClocks(true))
  session.on('Debugger.resumed', () => binding.holdClocks(false))
  session.post('Debugger.enable')
}

/** Undefined in a Node that was built without it. */
function builtin(): Inspector | undefined {
  try {
    return process.getBuiltinModule('node:inspector')
  } catch {
    return undefined
  }
}
