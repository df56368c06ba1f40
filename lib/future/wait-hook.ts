/** How a pool worker is told that its task begins to wait, and that the wait is over. */
import { sharedByCopies } from '../host/copies.ts'

/**
 * Called whenever code of this thread begins to wait, without blocking, for a future that is not done; what
 * it returns is called when that wait has ended. A pool worker installs one, so that another worker may take
 * its place while its task waits.
 */
export type WaitHook = () => (() => void) | undefined

// A task may wait for a future of another copy than its worker's.
const installed: { hook: WaitHook | undefined } = sharedByCopies('wait-hook', () => ({ hook: undefined }))

/** Installs the hook of this thread; `undefined` removes it. */
export function setWaitHook(hook: WaitHook | undefined): void {
  installed.hook = hook
}

/** Tells the hook, if any, that a wait begins. */
export function beginWait(): (() => void) | undefined {
  return installed.hook?.()
}
