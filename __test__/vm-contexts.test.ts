/** The package in a vm context, as Vitest's vm pools and Jest load it. */
import test from 'ava'
import { cleanEnd, ended, inChild } from './child.ts'

const fixture = (name: string): string => new URL(`./fixtures/${name}.mjs`, import.meta.url).href
const options = { nodeArguments: ['--experimental-vm-modules', '--no-warnings'] }

for (const [title, replaced] of [
  ['all that arrives in a vm context has its classes, from the first to the thousandth value of a structure', []],
  ['so it is where the context has some classes of the main one, as under Jest', ['ArrayBuffer', 'Uint8Array']],
] as const) {
  test(title, async (t) => {
    const end = await inChild(
      async ({}, fixtures: string[], replaced: readonly string[]) => {
        const { loadIn, makeContext } = await import(fixtures[0] as string)
        const { run } = await loadIn(makeContext(replaced), fixtures[1])
        return (await run(replaced.length === 0 ? 1_000 : 20)) as string[]
      },
      [[fixture('vm-context'), fixture('in-context')], replaced],
      options,
    )
    t.deepEqual(cleanEnd(end), ended([]))
  })
}

test('an object of another context is found by the look that the tests of this file take', async (t) => {
  const end = await inChild(
    async ({}, fixtures: string[]) => {
      const { loadIn, makeContext } = await import(fixtures[0] as string)
      const { strangers } = await loadIn(makeContext(), fixtures[1])
      // What the check of the tests above is worth.
      return [strangers([{}]), strangers({ a: new Map() }).length]
    },
    [[fixture('vm-context'), fixture('in-context')]],
    options,
  )
  t.deepEqual(cleanEnd(end), ended([['value (Array)', 'value.0 (Object)'], 2]))
})

test('a DataCloneError in a vm context names the place, and an error of a callback becomes a warning', async (t) => {
  const end = await inChild(
    async ({}, fixtures: string[]) => {
      const { loadIn, makeContext } = await import(fixtures[0] as string)
      return (await (await loadIn(makeContext(), fixtures[1])).refusals()) as unknown[]
    },
    [[fixture('vm-context'), fixture('in-context')]],
    { nodeArguments: ['--experimental-vm-modules'] },
  )
  const of = (place: string, why: string): string => `DataCloneError: ${place} cannot be cloned: ${why}`
  const hint = 'use with({ signal }), and currentTask().signal in the task'
  t.deepEqual(end.value, [
    of('argument 1.options.cb', 'the function cb'),
    of('argument 1[0]', 'an object of class Future (await it, and pass its result)'),
    of('argument 1.x', `an object of class AbortSignal (${hint})`),
    of('argument 1', 'an object of class WeakMap'),
    of('result.list[0]', 'a function'),
    true,
    true,
  ])
})
