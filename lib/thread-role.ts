/** What this thread is: of a worker of a pool, its seed; and whether it is loading a module for a task. */
import { workerData } from 'node:worker_threads'
import type { WorkerSeed } from './worker-fleet.ts'

/** Set in the workers of a pool. */
export const seed: WorkerSeed | undefined =
  (workerData as Partial<WorkerSeed> | null)?.concurrentFutures === true ? (workerData as WorkerSeed) : undefined

/** How many modules this worker is importing for tasks at the moment. */
export let loadingModules: number = 0

/** Runs `load`, counted. */
export async function whileLoading<T>(load: () => Promise<T>): Promise<T> {
  loadingModules++
  try {
    return await load()
  } finally {
    loadingModules--
  }
}
