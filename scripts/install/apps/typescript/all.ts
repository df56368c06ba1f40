import { native, ProcessPoolExecutor, ThreadPoolExecutor } from 'concurrent-futures'
import type { Future } from 'concurrent-futures'

const LIMIT = 60_000

type Task = (n: number) => number

/** As all.mjs of apps/basic, with types. */
export async function all(double: Task, print: (...words: unknown[]) => void): Promise<void> {
  const threads = new ThreadPoolExecutor(2)
  const doubled: Future<number> = threads.submit(double, 21)
  print('module', await doubled.result(LIMIT))
  print('inline', await threads.submit((a: number, b: number) => a * b, 6, 7).result(LIMIT))
  print('native', await threads.submit(native.countPrimes, 100).result(LIMIT))
  const endless = threads.with({ timeout: 200 }).submit(() => {
    for (let n = 0; ; n++) Object.assign(globalThis, { n })
  })
  print('endless', ((await endless.exception(LIMIT)) as NodeJS.ErrnoException).code)
  const processes = new ProcessPoolExecutor(1)
  print('process', await processes.submit(double, 21).result(LIMIT))
}
