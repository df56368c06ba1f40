import type { ExecutionContext } from 'ava'
import type { Task } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import type { PoolExecutor } from 'concurrent-futures'
import { SOON } from './limits.ts'

/** Arguments of `native.matmul` that keep it busy for some seconds; it can be stopped on the way. */
export function longProduct(): [a: Float64Array, b: Float64Array, shape: { m: number; k: number; n: number }] {
  const side = 3_200
  return [new Float64Array(side * side), new Float64Array(side * side), { m: side, k: side, n: side }]
}

/** What tests of native tasks have at hand. */
export interface Calls {
  executor: PoolExecutor
  /** A result, within the limit of tests. */
  run<A extends unknown[], R>(task: Task<A, R>, ...args: A): Promise<Awaited<R>>
  /** Calls `submit` as JavaScript may. */
  submit(task: unknown, ...args: unknown[]): unknown
}

/** As `behaviours`, with one executor of two workers for all tests of the file. */
export function nativeBehaviours(
  ...registration: Parameters<typeof behaviours>
): (title: string, body: (t: ExecutionContext, calls: Calls) => void | Promise<void>) => void {
  const behaviour = behaviours(...registration)
  return (title, body) =>
    behaviour(title, (t, { shared }) => {
      const executor = shared(2)
      return body(t, {
        executor,
        run: (task, ...args) => executor.submit(task, ...args).result(SOON),
        submit: (task, ...args) => executor.submit(task as Task<unknown[], unknown>, ...args),
      })
    })
}
