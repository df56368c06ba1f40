import { fileURLToPath } from 'node:url'
import { createSyncFn } from 'synckit'

export const modes = { default: {} }

/** One worker and one function, called synchronously; synckit has no pool. */
export function start() {
  const call = createSyncFn(fileURLToPath(new URL('../tasks/synckit.mjs', import.meta.url)))
  return {
    runSync: (_name, argument) => call(argument),
    stop() {},
  }
}
