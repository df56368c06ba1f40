/** What works in its own thread only is refused wherever it lies, with the place and what to do instead. */
import { transferableAbortController, transferableAbortSignal } from 'node:util'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { asCompleted, Executor, Future, moduleTasks } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import type { PoolExecutor } from 'concurrent-futures'
import { SOON } from './limits.ts'

const behaviour = behaviours(test)
const withPorts = behaviours(test, ['pool', 'ports'])

const bound = moduleTasks<any>(new URL('./fixtures/bound.mjs', import.meta.url))

const AWAIT = 'await it'
const SIGNAL = 'with({ signal })'

/** All kinds of such objects of this thread, with the words of the cure. */
async function makeAll(executor: PoolExecutor): Promise<[name: string, value: object, cure: string][]> {
  const finished = executor.submit((n: number) => n, 1)
  const failed = executor.submit(() => {
    throw new Error('it failed')
  })
  await Promise.all([finished.result(SOON), failed.exception(SOON)])
  const doneByHand = new Future<number>()
  doneByHand.setResult(1)
  const cancelled = new Future<number>()
  cancelled.cancel()
  class OwnFuture<T> extends Future<T> {}
  class OwnExecutor extends (Executor as unknown as new () => object) {}
  const [map, ordered] = [executor.map((n: number) => n, [1]), asCompleted([finished])]
  return [
    ['a finished future', finished, AWAIT],
    ['a failed future', failed, AWAIT],
    ['a pending future', new Future(), AWAIT],
    ['a future done by hand', doneByHand, AWAIT],
    ['a cancelled future', cancelled, AWAIT],
    ["a user's future", new OwnFuture(), AWAIT],
    ['an executor', executor, 'currentExecutor()'],
    ['a view of an executor', executor.with({ name: 'view' }), 'currentExecutor()'],
    ["a user's executor", new OwnExecutor(), 'currentExecutor()'],
    ['the iterator of map', map, 'read it'],
    ['the iterator of asCompleted', ordered, 'read it'],
    ['an AbortController', new AbortController(), SIGNAL],
    ['a transferable AbortController', transferableAbortController(), SIGNAL],
    ['an AbortSignal', new AbortController().signal, SIGNAL],
    ['an aborted AbortSignal', AbortSignal.abort(), SIGNAL],
    ['a signal of a time-out', AbortSignal.timeout(1e6), SIGNAL],
    ['a combined signal', AbortSignal.any([new AbortController().signal]), SIGNAL],
    ['a transferable signal that does not move', transferableAbortSignal(new AbortController().signal), SIGNAL],
  ]
}

class Instance {
  readonly held: unknown
  constructor(held: unknown) {
    this.held = held
  }
}

const list = (length: number, at: number, value: unknown): unknown[] => Array.from({ length }, (_, index) => (index === at ? value : index))
const getter = (object: object, key: PropertyKey, value: unknown, enumerable: boolean = true): object =>
  Object.defineProperty(object, key, { get: () => value, enumerable })

/** Where it may lie, and how the message names that. */
const places: [path: string, make: (value: unknown) => unknown][] = [
  ['', (value) => value],
  ['.a.b', (value) => ({ a: { b: value } })],
  ['[1][0]', (value) => [1, [value]]],
  ['[99]', (value) => list(100, 99, value)],
  ['.rows[60].x', (value) => ({ rows: list(100, 60, { x: value }) })],
  ['.get("key")', (value) => new Map([['key', value]])],
  ['.keys()[0]', (value) => new Map([[value, 'value']])],
  ['.values()[1]', (value) => new Set([1, value])],
  ['.cause', (value) => new Error('an error', { cause: value })],
  ['.e.cause.deep[0]', (value) => ({ e: new TypeError('an error', { cause: { deep: [value] } }) })],
  ['.held', (value) => new Instance(value)],
  ['[0].held.held', (value) => [new Instance(new Instance(value))]],
  ['.x', (value) => Object.assign(Object.create(null), { x: value })],
  ['.extra', (value) => Object.assign([1, 2], { extra: value })],
  ['.bytes', (value) => ({ more: Buffer.from('text'), bytes: value })],
  [
    '.own',
    (value) => ({
      get own() {
        return value
      },
    }),
  ],
  ['.own.x[0]', (value) => getter({}, 'own', { x: [value] })],
  ['.own.held', (value) => Object.freeze(getter(new Instance(1), 'own', new Instance(value)))],
  ['[0]', (value) => getter([1], 0, value)],
  ['.a.get(1).own', (value) => ({ a: new Map([[1, getter({}, 'own', value)]]) })],
  ['.cause.own', (value) => new Error('an error', { cause: getter({}, 'own', value) })],
]
const sharedMemory: (typeof places)[number] = ['.x', (value) => ({ memory: new SharedArrayBuffer(8), x: value })]
const carried: (typeof places)[number] = ['.x', (value) => ({ blob: new Blob(['text']), x: value })]

function refused(t: ExecutionContext, submit: () => unknown, place: string, cure: string, what: string): void {
  const error = t.throws(submit, { any: true } as object, what) as DOMException
  t.is(error?.name, 'DataCloneError', what)
  t.true(error.message.startsWith(`${place} cannot be cloned: `), `${what}: ${error.message}`)
  t.true(error.message.includes(`(${cure}`) || error.message.includes(cure), `${what}: ${error.message}`)
}

behaviour('as an argument it is refused at submit, wherever it lies', async (t, { create, has }) => {
  await using executor = create(1)
  const more = [...(has.includes('sharedMemory') ? [sharedMemory] : []), ...(has.includes('ports') ? [carried] : [])]
  for (const [name, value, cure] of await makeAll(executor)) {
    for (const [path, make] of [...places, ...more]) {
      refused(t, () => executor.submit(bound.itself, 'signal', make(value)), `argument 2${path}`, cure, `${name} at ${path}`)
    }
  }
  const { completed, failed } = executor.stats()
  t.is(completed + failed, 3, 'only what made the values has run')
})

behaviour('values of a structure that is known by heart are no way around it', async (t, { create }) => {
  await using executor = create(1)
  const same = (value: unknown): unknown => value
  for (let index = 0; index < 20; index++) {
    t.deepEqual(await executor.submit(same, { user: `u${index}`, n: index }).result(SOON), { user: `u${index}`, n: index })
  }
  refused(t, () => executor.submit(same, { user: new Future(), n: 1 }), 'argument 1.user', AWAIT, 'as a text')
  refused(t, () => executor.submit(same, { user: 'u', n: new AbortController().signal }), 'argument 1.n', SIGNAL, 'as a number')
})

behaviour('as an item of map it is refused as that of submit would be, after the results before it', async (t, { create }) => {
  await using executor = create(1)
  for (const chunkSize of [1, 3]) {
    const seen: unknown[] = []
    const error = (await t.throwsAsync(
      async () => {
        const items = [1, 2, [new Future()], 4]
        for await (const item of executor.with({ chunkSize }).map((item: unknown) => item, items)) seen.push(item)
      },
      { any: true } as object,
    )) as unknown as DOMException
    t.deepEqual(seen, [1, 2])
    t.regex(error.message, /^argument 1\[0\] cannot be cloned: an object of class Future \(await it/)
  }
})

behaviour('in initargs it is refused by the constructor', (t, { create }) => {
  const make = (value: unknown) => () => create({ initializer: () => {}, initargs: [1, { x: value }] })
  refused(t, make(new Future()), 'argument 2.x', AWAIT, 'a future')
  refused(t, make(new AbortController().signal), 'argument 2.x', SIGNAL, 'a signal')
})

behaviour('a future that is the result is awaited; anything else that is, or lies in it, fails the future', async (t, { create }) => {
  await using executor = create(2)
  for (const name of (await import('./fixtures/bound.mjs' as string)).names as string[]) {
    const isFuture = name.includes('future')
    if (isFuture) t.is(await executor.submit(bound.itself, name).result(SOON), 'its result')
    else {
      const error = (await executor.submit(bound.itself, name).exception(SOON)) as DOMException
      t.like(error, { name: 'DataCloneError' }, name)
      t.regex(error.message, /^result cannot be cloned: an object of class \w+ \(/)
    }
    const inside = (await executor.submit(bound.inside, name).exception(SOON)) as DOMException
    t.is(inside.name, 'DataCloneError', name)
    t.regex(inside.message, /^result\.list\[0\]\.get\("key"\) cannot be cloned: an object of class \w+ \(/)
    if (isFuture) t.true(inside.message.includes(AWAIT))
    if (name.includes('signal')) t.true(inside.message.includes(SIGNAL))
  }
})

behaviour('thrown, it is a DataCloneError; of a thrown error it is left out, and the rest arrives', async (t, { create }) => {
  await using executor = create(2)
  for (const name of (await import('./fixtures/bound.mjs' as string)).names as string[]) {
    const thrown = (await executor.submit(bound.thrown, name).exception(SOON)) as DOMException
    t.is(thrown.name, 'DataCloneError', name)
    t.regex(thrown.message, /^the thrown value\.value cannot be cloned: an object of class \w+ \(/)
    const error = (await executor.submit(bound.errors, name).exception(SOON)) as AggregateError
    t.true(error instanceof AggregateError, name)
    t.deepEqual({ ...error }, { code: 'E_CODE' }, name)
    t.false('cause' in error, name)
    t.is(error.errors.length, 2)
    t.is((error.errors[0] as Error).message, 'first')
    t.is((error.errors[1] as Error).name, 'DataCloneError', name)
  }
})

behaviour('as progress it is refused in the task, which can go on', async (t, { create }) => {
  await using executor = create(2)
  for (const name of (await import('./fixtures/bound.mjs' as string)).names as string[]) {
    const seen: unknown[] = []
    const future = executor.submit(bound.reported, name)
    future.onProgress((value) => seen.push(value))
    const [kind, message] = (await future.result(SOON)) as [string, string]
    t.is(kind, 'DataCloneError', name)
    t.regex(message, /^the value\.values\(\)\[0\] cannot be cloned: an object of class \w+ \(/)
    t.deepEqual(seen, ['before'])
  }
})

withPorts('a transferable signal that moves works on the other side, on both ways', async (t, { create }) => {
  await using executor = create(1)
  for (const wrap of [
    (signal: object) => ({ signal }),
    (signal: object) => ({
      get signal() {
        return signal
      },
    }),
  ]) {
    const controller = transferableAbortController()
    const { signal } = controller
    const future = executor.with({ transfer: [signal] }).submit(bound.reasonOf, wrap(signal))
    controller.abort('from the owner')
    t.is(await future.result(SOON), 'from the owner')
  }
  const moved = await executor.submit(bound.givesSignal).result(SOON)
  const keep = setInterval(() => {}, 1_000)
  const reason = await (await import('./fixtures/bound.mjs' as string)).reasonOf(moved)
  clearInterval(keep)
  t.is(reason, 'from the worker')
})

behaviour('a getter is still called once, and what else is shared stays shared', async (t, { create }) => {
  await using executor = create(1)
  let calls = 0
  const shared = { deep: 1 }
  const value = {
    get one() {
      calls++
      return shared
    },
    other: shared,
    map: new Map([[shared, new Set([shared])]]),
    error: new RangeError('mine', { cause: { shared, list: Object.assign([1, , 3], { extra: 4 }) } }),
  }
  const copy: any = await executor.submit((all: unknown) => all, value).result(SOON)
  t.is(calls, 1)
  t.is(copy.one, copy.other)
  t.is(copy.one, copy.map.keys().next().value)
  t.is(copy.one, copy.error.cause.shared)
  t.true(copy.error instanceof RangeError)
  t.is(copy.error.stack, value.error.stack)
  t.deepEqual(copy.error.cause.list, Object.assign([1, , 3], { extra: 4 }))
  const error = t.throws(() =>
    executor.submit((all: unknown) => all, {
      get one() {
        throw new TypeError('of the getter')
      },
    }),
  )
  t.is(error?.message, 'of the getter')
})
