import test from 'ava'
import { cleanEnd, ended } from './child.ts'
import { behaviours } from './executors.ts'
import type { Pool } from './executors.ts'

const behaviour = behaviours(test)

/**
 * Where the JavaScript of an endless task is, as `taskStack` and `dump()` tell: function, file and line of
 * each frame.
 */
async function places(inChild: Pool['inChild'], file: string, nodeArguments: string[]): Promise<ReturnType<typeof cleanEnd>> {
  const end = await inChild(
    async ({ create, moduleTasks }, url: string) => {
      const executor = create(1)
      const { outer } = moduleTasks<{ outer(): void }>(url)
      await executor.submit(() => 1).result(15_000)
      let dumped: string | undefined
      let taskStack: string | undefined
      // On a busy machine nobody waits for a thread that has no processor.
      for (let tries = 0; tries < 5 && (taskStack === undefined || !dumped?.includes('inner')); tries++) {
        const future = executor.with({ timeout: 2_000 }).submit(outer)
        // The first looks may come before the function is called.
        while (!dumped?.includes('inner') && !future.done()) {
          dumped = (await executor.dump())[0]?.stack
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
        taskStack = ((await future.exception(15_000)) as { taskStack?: string }).taskStack
      }
      await executor.shutdown()
      const folder = new URL('.', url).href
      return [taskStack, dumped].map((stack) =>
        stack
          ?.replaceAll(folder, '')
          .split('\n')
          .map((line) => line.trim()),
      )
    },
    [new URL(`fixtures/${file}`, import.meta.url).href],
    { nodeArguments },
  )
  return cleanEnd(end)
}

for (const [file, source] of [
  ['mapped-inline.mjs', 'mapped.ts'],
  ['mapped-beside.mjs', 'sources/mapped.ts'],
] as const) {
  behaviour(`with --enable-source-maps the stack of a running task names places of its source: ${file}`, async (t, { inChild }) => {
    const stack = [`at inner (${source}:21:1)`, `at outer (${source}:11:1)`]
    t.deepEqual(await places(inChild, file, ['--enable-source-maps']), ended([stack, stack]))
  })
}

behaviour('without --enable-source-maps it names places of the script', async (t, { inChild }) => {
  const { value } = (await places(inChild, 'mapped-inline.mjs', [])) as { value: string[][] }
  for (const stack of value) t.regex(stack.join(), /^at inner \(mapped-inline\.mjs:4:\d+\),at outer \(mapped-inline\.mjs:3:\d+\)$/)
})

behaviour('a script without a map, or with one that cannot be read, is named as it is', async (t, { inChild }) => {
  for (const file of ['work.mjs', 'mapped-nowhere.mjs']) {
    const end = await inChild(
      async ({ create, moduleTasks }, url: string) => {
        const executor = create(1)
        const { spin } = moduleTasks<{ spin(): void }>(url)
        // On a busy machine nobody waits for a thread that has no processor.
        let taskStack: string | undefined
        for (let tries = 0; tries < 5 && taskStack === undefined; tries++) {
          taskStack = ((await executor.with({ timeout: 300 }).submit(spin).exception(15_000)) as { taskStack?: string }).taskStack
        }
        await executor.shutdown()
        return taskStack?.includes(url)
      },
      [new URL(`fixtures/${file}`, import.meta.url).href],
      { nodeArguments: ['--enable-source-maps'] },
    )
    t.deepEqual(cleanEnd(end), ended(true))
  }
})
