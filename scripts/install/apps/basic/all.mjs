import { native, ProcessPoolExecutor, ThreadPoolExecutor } from 'concurrent-futures'

const LIMIT = 60_000

/**
 * One of each that a program does with the package: it prints five lines, and nothing of it keeps a process
 * alive.
 *
 * @param double - a task of a module
 * @param print - gets each line, as two words
 */
export async function all(double, print) {
  const threads = new ThreadPoolExecutor(2)
  print('module', await threads.submit(double, 21).result(LIMIT))
  print('inline', await threads.submit((a, b) => a * b, 6, 7).result(LIMIT))
  print('native', await threads.submit(native.countPrimes, 100).result(LIMIT))
  // Not an empty loop: Rollup leaves that out.
  const endless = threads.with({ timeout: 200 }).submit(() => {
    for (let n = 0; ; n++) globalThis.n = n
  })
  print('endless', (await endless.exception(LIMIT)).code)

  const processes = new ProcessPoolExecutor(1)
  print('process', await processes.submit(double, 21).result(LIMIT))
}
