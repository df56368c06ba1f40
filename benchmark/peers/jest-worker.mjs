import { fileURLToPath } from 'node:url'
import { Worker } from 'jest-worker'
import * as functions from '../tasks/functions.mjs'

export const modes = { default: { enableWorkerThreads: true } }

/** A farm with the options of a mode, started. */
export async function farmOf(workers, options) {
  const farm = new Worker(fileURLToPath(new URL('../tasks/functions.mjs', import.meta.url)), {
    numWorkers: workers,
    // Named here, or it would load the module on the main thread to find out.
    exposedMethods: Object.keys(functions),
    ...options,
  })
  await farm.start()
  return { run: (name, argument) => farm[name](argument), stop: () => farm.end() }
}

export async function start({ workers, mode }) {
  const farm = await farmOf(workers, modes[mode])
  // It can move nothing: copied both ways.
  return { ...farm, runTransfer: (bytes) => farm.run('echo', bytes) }
}
