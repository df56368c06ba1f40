import { fileURLToPath } from 'node:url'
import { Worker } from 'jest-worker'
import * as functions from '../tasks/functions.mjs'

export const modes = { default: { enableWorkerThreads: true } }

export async function start({ workers, mode }) {
  const farm = new Worker(fileURLToPath(new URL('../tasks/functions.mjs', import.meta.url)), {
    numWorkers: workers,
    // Named here, or it would load the module on the main thread to find out.
    exposedMethods: Object.keys(functions),
    ...modes[mode],
  })
  await farm.start()

  return {
    run: (name, argument) => farm[name](argument),
    // It can move nothing: copied both ways.
    runTransfer: (bytes) => farm.echo(bytes),
    stop: () => farm.end(),
  }
}
