/**
 * Whether this thread is importing a module for a task: a submission outside of all tasks is then that
 * module's.
 */

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
