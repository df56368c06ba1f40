/** The package itself, which is loaded when it is needed: without a binding the import fails. */
import { readFileSync } from 'node:fs'
import type * as Distributed from '../distributed/index.ts'
import type * as Package from '../index.ts'
import { CommandError, inOneLine } from './usage.ts'

export type Api = typeof Package

/** Where all lie in dist/, seen from the bundle of the commands. */
const LIBRARY = new URL('../index.js', import.meta.url)
const DISTRIBUTED = new URL('../bullmq.js', import.meta.url)
const MANIFEST = new URL('../../package.json', import.meta.url)

/** Imports the package; what that throws says in several lines why it cannot be loaded. */
export async function loadPackage(): Promise<Api> {
  return (await import(LIBRARY.href)) as Api
}

/**
 * The same, for commands that can do nothing without it.
 *
 * @throws CommandError with one line
 */
export async function needPackage(): Promise<Api> {
  try {
    return await loadPackage()
  } catch (error) {
    const [reason] = error instanceof Error ? error.message.split('\n') : []
    throw new CommandError(`${reason ?? inOneLine(error)} (concurrent-futures doctor says more)`, 1)
  }
}

/**
 * The entry for BullMQ, which may not be installed.
 *
 * @throws CommandError with one line
 */
export async function needDistributed(): Promise<typeof Distributed> {
  try {
    return (await import(DISTRIBUTED.href)) as typeof Distributed
  } catch (error) {
    throw new CommandError(inOneLine(error), 1)
  }
}

export function version(): string {
  return (JSON.parse(readFileSync(MANIFEST, 'utf8')) as { version: string }).version
}
