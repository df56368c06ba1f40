/** Programs that have changed what the language gives to all: the package works as ever. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path/posix'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { cleanEnd, ended } from './child.ts'
import { moduleTasks } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import { until } from './gate.ts'

const behaviour = behaviours(test)

const pollutes = new URL('./fixtures/pollutes.mjs', import.meta.url).href

const ways = [
  ...['an enumerable value', 'an enumerable function', 'get', 'set', 'toJSON', 'words that the package uses'],
  'functions of Array, String, Function and Promise',
  ...['Error.prepareStackTrace that throws', 'Error.prepareStackTrace that gives no text'],
  'Error.stackTraceLimit that is no number',
  ...["a browser's classes", 'nothing to the global object any more', 'process.execArgv that is not there'],
]

for (const way of ways) {
  behaviour(`everything works where a program has added, before the import and in every worker: ${way}`, async (t, { inChild }) => {
    const end = await inChild(
      async ({ asCompleted, create, native, wait }) => {
        const executor = create({ maxWorkers: 1, interruptGrace: 50 })
        const errorOf = async (future: { exception(): Promise<unknown> }): Promise<unknown[]> => {
          const error = (await future.exception()) as Error & { code?: unknown; exitCode?: number; own?: unknown }
          return [
            error.name,
            error.message.slice(0, 25),
            error.code,
            Object.hasOwn(error, 'exitCode') ? error.exitCode : null,
            (error.cause as Error | undefined)?.message,
          ]
        }
        const thrown = executor.submit(() => {
          throw Object.assign(new RangeError('boom', { cause: new Error('why') }), { code: 'E_BOOM' })
        })
        const undefinedName = executor.submit(() => (globalThis as { nothing?: unknown }).nothing ?? eval('nothing'))
        const items: unknown[] = []
        for await (const item of executor.with({ chunkSize: 2 }).map((n: number) => ({ n, twice: [n, n] }), [1, 2, 3])) {
          items.push(Object.entries(item as object))
        }
        const failed = await executor
          .with({ chunkSize: 2 })
          .map(
            (n: number) => {
              if (n === 2) throw new TypeError('item 2')
              return n
            },
            [2],
          )
          .next()
          .then(
            () => 'none',
            (error: Error) => error.message,
          )
        const seen = {
          number: await executor.submit((n: number) => n + 1, 1),
          object: Object.entries(await executor.submit((value: object) => ({ ...value, b: 2 }), { a: 1 })),
          map: [...(await executor.submit((value: Map<number, object>) => value, new Map([[1, { x: 1 }]]))).keys()],
          bytes: (await executor.submit(() => new Uint8Array(3))).length,
          native: await executor.submit(native.crc32, 'abc'),
          thrown: await errorOf(thrown),
          undefinedName: (await errorOf(undefinedName))[0],
          stopped: await errorOf(
            executor.with({ timeout: 50 }).submit(() => {
              for (;;);
            }),
          ),
          lost: await errorOf(executor.submit(() => process.exit(3))),
          async: await errorOf(
            executor.submit(async () => {
              await null
              throw new TypeError('later')
            }),
          ),
          uncloneable: await errorOf(executor.submit(() => () => {})),
          ...{ items, failed },
          done: (await wait([executor.submit(() => 1)])).done.size,
          first: (await asCompleted([executor.submit(() => 1)]).next()).done,
        }
        await executor.shutdown()
        ;(globalThis as unknown as { unpollute(): void }).unpollute()
        return seen
      },
      [],
      { nodeArguments: ['--import', pollutes], env: { POLLUTES: way } },
    )
    const value = end.value as Record<string, unknown> | undefined
    t.deepEqual({ ...cleanEnd(end), value: undefined }, { ...ended(undefined) })
    t.like(value, {
      ...{
        number: 2,
        object: [
          ['a', 1],
          ['b', 2],
        ],
        map: [1],
        bytes: 3,
        native: 891568578,
        done: 1,
        first: false,
      },
      thrown: ['RangeError', 'boom', 'E_BOOM', null, 'why'],
      undefinedName: 'ReferenceError',
      stopped: ['TimeoutError', 'the task ran longer than ', 'ERR_FUTURE_TIMEOUT', null, null],
      lost: ['WorkerLostError', 'the worker died while it ', 'ERR_FUTURE_WORKER_LOST', 3, null],
      async: ['TypeError', 'later', null, null, null],
      uncloneable: ['DataCloneError', 'result cannot be cloned: '],
      items: [1, 2, 3].map((n) => [
        ['n', n],
        ['twice', [n, n]],
      ]),
      failed: 'item 2',
    })
  })
}

behaviour('JSON that a program replaces sees nothing of what crosses', async (t, { inChild }) => {
  const end = await inChild(async ({ create }) => {
    const executor = create(1)
    const [parse, stringify] = [JSON.parse, JSON.stringify]
    const replace = (): void => {
      JSON.parse = () => 'parsed'
      JSON.stringify = () => '"written"'
    }
    replace()
    await executor.submit(replace)
    // Each is of another size, and crosses in another way.
    const small = Object.entries(await executor.submit((value: object) => ({ ...value, b: [2] }), { a: 'x' }))
    const large = await executor.submit(
      (list: object[]) => list,
      Array.from({ length: 300 }, (_, n) => ({ n, text: `text ${n}` })),
    )
    Object.assign(JSON, { parse, stringify })
    await executor.shutdown()
    return { small, length: large.length, last: large.at(-1) }
  }, [])
  t.deepEqual(
    cleanEnd(end),
    ended({
      small: [
        ['a', 'x'],
        ['b', [2]],
      ],
      length: 300,
      last: { n: 299, text: 'text 299' },
    } as unknown),
  )
})

behaviour('a worker in which a task has replaced process.exit leaves all the same', async (t, { create }) => {
  const executor = create({ maxWorkers: 1, idleTimeout: 20 })
  await executor.submit(() => {
    process.exit = () => {
      throw new Error('process.exit is a stub')
    }
    setInterval(() => {}, 1_000)
  })
  await until(() => executor.stats().workers.idle === 0, 'it has left')
  t.is(await executor.submit((n: number) => n, 1), 1)
  await executor.shutdown()
  t.is(executor.stats().workers.died, 0)
})

test('a URL of another class than Node has names a module', async (t) => {
  const { href } = new URL('./fixtures/work.mjs', import.meta.url)
  const other = { href, protocol: 'file:', toString: () => href } as URL
  t.is(moduleTasks(other), moduleTasks(href))
  t.throws(() => moduleTasks({ href: 5 } as never), { instanceOf: TypeError })
})

const lib = fileURLToPath(new URL('../lib/', import.meta.url))
/** What only lib/host/ may name: by the others it is imported from there. */
const TAKEN = /\bObject\.define(Property|Properties)\b|(?<![.\w])JSON\.|(?<![.\w])structuredClone\(|\bglobalThis\[Symbol/g
const URLS = /(?<![.\w])new URL\(|\binstanceof URL\b|\bURL\.canParse\b/
/** Code for a namespace that bundlers write: it lists inherited properties too. */
const NAMESPACE = /^import \* as \w+ from '\.{1,2}\//gm

function takesIn(text: string): string[] {
  const code = text.replace(/\/\*[^]*?\*\/|\/\/.*$/gm, '')
  const found = [...code.replace(/'[^'\n]*'/g, "''").matchAll(TAKEN), ...code.matchAll(NAMESPACE)].map(([what]) => what)
  const hasOwnUrl = /\bURL\b[^]*? from '(\.\.\/)+(host\/url|inner)\.ts'/.test(code)
  return !hasOwnUrl && URLS.test(code.replace(/`[^`]*`/g, '')) ? [...found, 'URL'] : found
}

test('no file of lib/ takes from the globals what lib/host/ has', (t) => {
  // The command line is a program of its own, whose globals are Node's.
  const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !/^(host|cli)[\\/]/.test(name),
  )
  t.deepEqual(
    files.flatMap((name) => takesIn(readFileSync(join(lib, name), 'utf8')).map((what) => `${name}: ${what}`)),
    [],
  )
  const bad = "import * as ours from './ours.ts'\nObject.defineProperty(a, b, c)\nJSON.parse(structuredClone(x))\nnew URL(y)"
  t.is(takesIn(bad).length, 5)
})

behaviour('errors of the language that a program has replaced by classes of its own are made, not called', async (t, { inChild }) => {
  const end = await inChild(async ({ create }) => {
    for (const name of ['Error', 'TypeError', 'RangeError']) {
      const global = globalThis as unknown as Record<string, new () => Error>
      const Own = global[name] as new () => Error
      global[name] = { [name]: class extends Own {} }[name] as new () => Error
    }
    const executor = create(1)
    const seen = [await executor.submit(() => 42)]
    await executor.shutdown()
    for (const options of [{ maxWorkers: -1 }, { maxWorkers: 'one' }]) {
      try {
        create(options as { maxWorkers: number })
      } catch (error) {
        seen.push(/^maxWorkers must be/.test((error as Error).message) ? 1 : 0)
      }
    }
    return seen
  }, [])
  t.deepEqual(cleanEnd(end), ended([42, 1, 1]))
})
