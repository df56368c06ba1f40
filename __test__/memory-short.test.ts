/** Long values where memory is short: the task that needs it fails with an error that says so. */
import { spawnSync } from 'node:child_process'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { inChild } from './child.ts'
import { HARD } from './limits.ts'

const canLimit = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0
const onLinux = canLimit ? test.serial : test.serial.skip

/** What may be said of a value that has no room: where the engine itself was refused, its worker is lost. */
const NONE = 'ERR_MEMORY_ALLOCATION_FAILED'
const LOST = 'ERR_FUTURE_WORKER_LOST'

/** Who is short of memory, and by how much: the text has 120 MB. */
type Short = 'parent' | 'child'

/**
 * What becomes of a two-byte text as an argument, as a shared value and as a result, where `who` may have so
 * many MB more; then of a small task.
 */
async function tryText(
  t: ExecutionContext,
  kind: 'ThreadPoolExecutor' | 'ProcessPoolExecutor',
  who: Short,
  more: number,
): Promise<unknown[]> {
  const end = await inChild(
    async (api, kind, who, more) => {
      const { readFileSync } = await import('node:fs')
      const { spawnSync } = await import('node:child_process')
      const text = '\u2713'.repeat(60_000_000)
      // Makes it flat, which is the engine's own affair.
      text.indexOf('a')
      const executor = new api[kind]({ maxWorkers: 1 })
      const pid = await executor.submit(() => process.pid)
      const keep = (count: number): void => {
        const made = '\u2713'.repeat(count)
        made.indexOf('a')
        Object.assign(globalThis, { made })
      }
      const give = (): string => (globalThis as { made?: string }).made ?? ''
      const size = (text: string): number => text.length
      await Promise.all([executor.submit(keep, 60_000_000), executor.submit(size, 'a')])
      const short = who === 'parent' ? process.pid : pid
      const pages = Number(readFileSync(`/proc/${short}/statm`, 'utf8').split(' ')[0])
      spawnSync('prlimit', [`--pid=${short}`, `--as=${pages * 4096 + more * 1_000_000}:`])
      const tried = async (run: () => Promise<unknown>): Promise<unknown> => {
        try {
          return await run()
        } catch (error) {
          const { code, name } = error as { code?: string; name: string }
          return typeof code === 'string' ? code : name
        }
      }
      const seen = [await tried(() => executor.submit(size, text).result(20_000))]
      seen.push(
        await tried(async () => {
          const shared = api.share(text)
          const end = await tried(() => executor.submit(size, shared).result(20_000))
          shared.release()
          return end
        }),
      )
      seen.push(await tried(async () => (await executor.submit(give).result(20_000)).length))
      seen.push(await tried(() => executor.submit(size, 'abcd').result(20_000)))
      await executor.shutdown()
      return seen
    },
    [kind, who, more] as const,
    { limit: HARD },
  )
  t.is(end.code, 0, end.errors)
  return end.value ?? []
}

/** `shortOf` finds each way in which a value has no room, from not even its first copy to just no longer. */
const cases: { kind: 'ThreadPoolExecutor' | 'ProcessPoolExecutor'; who: Short; shortOf: number[] }[] = [
  { kind: 'ProcessPoolExecutor', who: 'child', shortOf: [70, 190] },
  { kind: 'ProcessPoolExecutor', who: 'parent', shortOf: [70, 190] },
  { kind: 'ThreadPoolExecutor', who: 'parent', shortOf: [90] },
]

for (const { kind, who, shortOf } of cases)
  onLinux(`a long text that has no room in the ${who} of a ${kind} fails its task and nothing else`, async (t) => {
    for (const more of shortOf) {
      const [argument, shared, result, small] = await tryText(t, kind, who, more)
      const seen = `${more} MB: ${String([argument, shared, result, small])}`
      t.log(seen)
      const can = [60_000_000, NONE, LOST]
      t.true(
        [argument, shared, result].every((end) => can.includes(end as number)),
        seen,
      )
      t.is(small, 4, seen)
      // Where it was looked for before the engine was asked for it.
      if (more < 100) t.deepEqual([argument, shared, result], [NONE, NONE, NONE], seen)
    }
  })
