import ava from 'ava'
import { CancelledError, InvalidStateError, moduleTasks, native, TimeoutError } from 'concurrent-futures'
import type { Task } from 'concurrent-futures'
import { collect } from './collect.ts'
import { behaviours } from './executors.ts'
import { Folder, until } from './gate.ts'
import { SHORT, SOON } from './limits.ts'

// One at a time: workers that start at once slow each other down.
const behaviour = behaviours(ava.serial)
const everywhere = behaviours(ava.serial, [])
const withPorts = behaviours(ava.serial, ['pool', 'ports'])

const work = moduleTasks<typeof import('./fixtures/work.mjs')>(new URL('./fixtures/work.mjs', import.meta.url))

function range(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n)
}

async function* later(count: number): AsyncGenerator<number> {
  for (let n = 0; n < count; n++) {
    await new Promise((resolve) => setImmediate(resolve))
    yield n
  }
}

behaviour('map gives the results in the order of the input, however long each takes', async (t, { create }) => {
  const executor = create(2)
  const waits = range(30).map((n) => (n * 7) % 10)
  t.deepEqual(await collect(executor.map(work.pause, waits)), waits)
  t.deepEqual(await collect(executor.map((n: number) => n * 2, [])), [])
  await executor.shutdown()
})

for (const chunkSize of [1, 2, 3, 7, 1000]) {
  behaviour(`map with chunkSize ${chunkSize} gives the same results, and a chunk is one task`, async (t, { create }) => {
    const executor = create(2)
    const view = executor.with({ chunkSize })
    t.deepEqual(
      await collect(view.map(work.double, range(50))),
      range(50).map((n) => 2 * n),
    )
    t.is(executor.stats().completed, Math.ceil(50 / chunkSize))
    t.deepEqual(
      await collect(view.map(async (a: number, b: number) => a + b, range(10), later(9))),
      range(9).map((n) => 2 * n),
    )
    const before = executor.stats().completed
    t.deepEqual(await collect(view.map(native.countPrimes, range(10))), [0, 0, 1, 2, 2, 3, 3, 4, 4, 4])
    t.is(executor.stats().completed - before, Math.ceil(10 / chunkSize))
    await executor.shutdown()
  })

  everywhere(
    `with chunkSize ${chunkSize} the results before an error are delivered, then the error, then nothing`,
    async (t, { create }) => {
      const executor = create(2)
      const results = executor.with({ chunkSize }).map(work.failAt, range(40), Array<number>(40).fill(17))
      const seen: number[] = []
      const error = await t.throwsAsync(async () => {
        for await (const result of results) seen.push(result)
      })
      t.true(error instanceof RangeError)
      t.is(error?.message, 'item 17')
      t.deepEqual(seen, range(17))
      t.deepEqual(await results.next(), { done: true, value: undefined })
      await executor.shutdown()
    },
  )
}

everywhere(
  'map takes as many iterables as the function has arguments, sync or async, and stops with the shortest',
  async (t, { create }) => {
    const executor = create(2)
    t.deepEqual(await collect(executor.map(work.add, [1, 2, 3], new Set([10, 20]))), [11, 22])
    t.deepEqual(await collect(executor.map(work.add, later(3), range(100))), [0, 2, 4])
    t.deepEqual(await collect(executor.map(work.add, range(2), later(100))), [0, 2])
    t.throws(() => executor.map(work.double, 5 as unknown as number[]), { instanceOf: TypeError })
    await executor.shutdown()
  },
)

behaviour('without bufferSize a sync iterable is read at the call, and all its tasks are submitted', async (t, { create }) => {
  const executor = create(1)
  let read = 0
  const source = function* (): Generator<number> {
    while (read < 100) yield read++
  }
  const results = executor.map(work.double, source())
  t.is(read, 100)
  const { queued, running, completed } = executor.stats()
  t.is(queued + running + completed, 100)
  t.is((await collect(results)).length, 100)
  await executor.shutdown()
})

behaviour('an async iterable is read at most 4 × maxWorkers tasks ahead of the reader', async (t, { create }) => {
  const executor = create(2)
  let read = 0
  const source = async function* (): AsyncGenerator<number> {
    while (read < 100) yield read++
  }
  const results = executor.map(work.double, source())
  await until(() => executor.stats().completed === 8, 'eight are done')
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.true(read <= 9, `read ${read}`)
  for (let n = 0; n < 10; n++) t.is((await results.next()).value, 2 * n)
  await until(() => executor.stats().completed === 18, 'ten more are done')
  t.true(read <= 19, `read ${read}`)
  t.is((await collect(results)).length, 90)
  await executor.shutdown()
})

everywhere('bufferSize bounds the tasks that are outstanding ahead of the reader', async (t, { create }) => {
  const executor = create(2)
  let read = 0
  const source = function* (): Generator<number> {
    while (read < 50) yield read++
  }
  const results = executor.with({ bufferSize: 3 }).map(work.double, source())
  await until(() => executor.stats().completed === 3, 'three are done')
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.is(executor.stats().completed, 3)
  t.true(read <= 4)
  const seen: number[] = []
  for await (const result of results) {
    seen.push(result)
    const { queued, running, completed } = executor.stats()
    t.true(queued + running + completed - seen.length <= 3)
  }
  t.deepEqual(
    seen,
    range(50).map((n) => 2 * n),
  )
  await executor.shutdown()
})

behaviour('map waits for room in a bounded queue instead of failing', async (t, { create }) => {
  const executor = create({ maxWorkers: 1, maxQueue: 2 })
  t.deepEqual(
    await collect(executor.map(work.double, range(60))),
    range(60).map((n) => 2 * n),
  )
  t.deepEqual(
    await collect(executor.with({ chunkSize: 4 }).map(work.double, later(60))),
    range(60).map((n) => 2 * n),
  )
  await executor.shutdown()
})

everywhere('timeout counts from the call of map and ends the iteration with TimeoutError', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const gate = folder.gate()
  await executor.submit(work.add, 1, 1)
  const results = executor.with({ timeout: 1_500 }).map(work.waitFor, ['/', '/', gate, ...new Array<string>(20).fill(gate)])
  t.is(typeof (await results.next()).value, 'number')
  t.is(typeof (await results.next()).value, 'number')
  await t.throwsAsync(results.next(), { instanceOf: TimeoutError })
  t.true((await results.next()).done)
  folder.open(gate)
  await executor.shutdown()
  // All that waited, and nothing of it was begun when the worker was free.
  t.is(executor.stats().cancelled, 20)
})

for (const chunkSize of [1, 2]) {
  behaviour(
    `when the time of map is over what runs is stopped, and its workers take other tasks: chunkSize ${chunkSize}`,
    async (t, { create }) => {
      const executor = create({ maxWorkers: 2, interruptGrace: SHORT })
      await executor.warmUp()
      const before = executor.stats()
      const [length, tasks] = [4 * chunkSize, 4]
      const results = executor.with({ timeout: 1_000, chunkSize }).map(
        (n: number) => {
          for (;;) n++
        },
        Array.from({ length }, (_, n) => n),
      )
      await t.throwsAsync(results.next(), { instanceOf: TimeoutError })
      t.is(await executor.submit(work.double, 2).result(SOON), 4)
      await executor.shutdown()
      const { timedOut, cancelled, completed } = executor.stats()
      t.deepEqual({ timedOut, cancelled, completed: completed - before.completed }, { timedOut: 2, cancelled: tasks - 2, completed: 1 })
    },
  )
}

behaviour('tasks of map that heed their signal get their time of grace when the time of map is over', async (t, { create }) => {
  const folder = new Folder(t)
  const log = folder.file('log')
  const executor = create({ maxWorkers: 1, interruptGrace: SOON })
  await executor.submit(work.add, 1, 1)
  const heeding = executor.with({ timeout: 1_000 }).map(
    async (file: string) => {
      const { currentTask } = await import('concurrent-futures')
      const { appendFileSync } = await import('node:fs')
      const task = currentTask()
      while (task?.cancelled === false) await new Promise((resolve) => setTimeout(resolve, 2))
      appendFileSync(file, `${task?.signal.aborted}\n`)
    },
    [log],
  )
  await t.throwsAsync(heeding.next(), { instanceOf: TimeoutError })
  await until(() => folder.notes(log).length === 1, 'the task has left in good order')
  t.deepEqual(folder.notes(log), ['true'])
  await executor.shutdown()
})

behaviour('what runs when a loop over map is left goes on', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const [log, gate] = [folder.file('log'), folder.gate()]
  const results = executor.map(work.noteAndWait, [log, log], ['one', 'two'], [gate, gate])
  await until(() => folder.notes(log).length === 1, 'the first runs')
  await results.return?.()
  folder.open(gate)
  await executor.shutdown()
  t.like(executor.stats(), { completed: 1, cancelled: 1 })
})

everywhere('timeout 0 of map ends the iteration at once', async (t, { create }) => {
  const executor = create(1)
  await t.throwsAsync(executor.with({ timeout: 0 }).map(work.double, [1]).next(), {
    instanceOf: TimeoutError,
  })
  await executor.shutdown()
})

everywhere('queueTimeout is each task’s own', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const [gate, log] = [folder.gate(), folder.file('log')]
  executor.submit(work.noteAndWait, log, 'runs', gate)
  await until(() => folder.notes(log).length === 1, 'it runs')
  await t.throwsAsync(collect(executor.with({ queueTimeout: SHORT }).map(work.double, [1, 2])), {
    instanceOf: TimeoutError,
  })
  folder.open(gate)
  await executor.shutdown()
})

everywhere('leaving the loop early cancels what has not started, and closes the source', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const gate = folder.gate()
  let isClosed = false
  const source = function* (): Generator<string> {
    try {
      yield '/'
      for (;;) yield gate
    } finally {
      isClosed = true
    }
  }
  for await (const thread of executor.with({ bufferSize: 5 }).map(work.waitFor, source())) {
    t.is(typeof thread, 'number')
    break
  }
  t.true(isClosed)
  folder.open(gate)
  await executor.shutdown()
  const { cancelled, completed } = executor.stats()
  t.true(cancelled >= 3, `${cancelled} cancelled, ${completed} completed`)
})

behaviour('an error cancels what has not started', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const log = folder.file('log')
  await t.throwsAsync(
    collect(
      executor.map((n: number) => {
        if (n === 0) throw new Error('first')
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
        return n
      }, range(200)),
    ),
    { message: 'first' },
  )
  await executor.shutdown()
  t.true(executor.stats().cancelled > 100)
  t.deepEqual(folder.notes(log), [])
})

everywhere('an error of the source reaches the reader after the results before it', async (t, { create }) => {
  const executor = create(1)
  const broken = function* (): Generator<number> {
    yield 1
    yield 2
    throw new RangeError('source')
  }
  const brokenLater = async function* (): AsyncGenerator<number> {
    yield* broken()
  }
  for (const source of [broken, brokenLater]) {
    const results = executor.map(work.double, source())
    t.deepEqual([(await results.next()).value, (await results.next()).value], [2, 4])
    await t.throwsAsync(results.next(), { instanceOf: RangeError, message: 'source' })
  }
  await executor.shutdown()
})

everywhere(
  'a map that is still feeding when the executor is shut down delivers what it has submitted, then rejects with InvalidStateError',
  async (t, { create }) => {
    const executor = create(1)
    const results = executor.with({ bufferSize: 2 }).map(work.double, range(10))
    const seen = [(await results.next()).value]
    await executor.shutdown()
    const error = await t.throwsAsync(async () => {
      for await (const result of results) seen.push(result)
    })
    t.true(error instanceof InvalidStateError)
    t.true(seen.length >= 3 && seen.length < 10)
    t.deepEqual(
      seen,
      range(seen.length).map((n) => 2 * n),
    )
  },
)

everywhere('shutdown does not wait for iterators', async (t, { create }) => {
  const executor = create(1)
  const results = executor.with({ bufferSize: 1 }).map(work.double, range(10))
  await executor.shutdown()
  t.is((await results.next()).value, 0)
  await t.throwsAsync(results.next(), { instanceOf: InvalidStateError })
})

everywhere('a map that has been fed in full outlives the shutdown', async (t, { create }) => {
  const executor = create(2)
  const results = executor.map(work.double, range(20))
  await executor.shutdown()
  t.deepEqual(
    await collect(results),
    range(20).map((n) => 2 * n),
  )
})

everywhere('an aborted signal cancels the map: the reader gets CancelledError with the reason', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const controller = new AbortController()
  const results = executor.with({ signal: controller.signal }).map(work.waitFor, ['/', folder.gate(), folder.gate()])
  await results.next()
  const next = results.next()
  controller.abort('enough')
  const error = await t.throwsAsync(next, { instanceOf: CancelledError })
  t.is(error?.cause, 'enough')
  await executor.shutdown()
})

behaviour('a chunk of native tasks gives what they give one by one, whatever their arguments and results', async (t, { create }) => {
  const executor = create(2)
  const inputs = [
    '',
    'abc',
    'zwölf',
    new Uint8Array([1, 2, 3]),
    new Uint8Array([1, 2, 3]).buffer,
    new DataView(new ArrayBuffer(9), 2, 4),
    new Uint8Array(new SharedArrayBuffer(5)),
  ]
  const lists = [[3, -0, NaN, 1], [], new Float32Array([2, 1])]
  const salt = new Uint8Array(8)
  const cheap = { memoryCost: 8, timeCost: 1, salt }
  const chunked = executor.with({ chunkSize: 3 })
  const both = async (fn: Task<any[], unknown>, ...columns: Iterable<unknown>[]): Promise<void> => {
    const expected = await collect(executor.map(fn, ...columns))
    const actual = await collect(chunked.map(fn, ...columns))
    t.true(expected.length > 0)
    t.deepEqual(actual, expected)
  }
  await both(native.crc32, inputs)
  await both(native.sha256, inputs)
  await both(native.xxh3, inputs)
  await both(native.gzip, inputs)
  await both(
    native.gzip,
    inputs,
    inputs.map((_, level) => ({ level })),
  )
  await both(native.sort, lists)
  await both(native.statistics, lists)
  await both(native.select, [[3, 1], [5], [9, 8, 7], [1]], [0, 0, 2, 0])
  await both(
    native.matmul,
    [[1, 2], [3], [4, 5]],
    [[3, 4], [5], [6, 7]],
    [
      { m: 1, k: 2, n: 1 },
      { m: 1, k: 1, n: 1 },
      { m: 2, k: 1, n: 2 },
    ],
  )
  await both(native.argon2id, ['a', 'b', 'c', 'd'], [cheap, cheap, { ...cheap, parallelism: 1 }, cheap])
  await both(
    native.argon2Verify,
    [await executor.submit(native.argon2id, 'a', cheap), '$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAA'],
    ['a', 'b'],
  )
  await executor.shutdown()
})

everywhere('of a chunk of native tasks the results before an error are delivered, then the error', async (t, { create }) => {
  const executor = create(1)
  const packed = await Promise.all(['a', 'b', 'c'].map((text) => executor.submit(native.gzip, text).result()))
  for (const chunkSize of [1, 2, 3, 5]) {
    const seen: string[] = []
    const results = executor.with({ chunkSize }).map(native.gunzip, [...packed, new Uint8Array([1, 2, 3]), ...packed])
    const error = await t.throwsAsync(async () => {
      for await (const bytes of results) seen.push(Buffer.from(bytes).toString())
    })
    t.deepEqual(seen, ['a', 'b', 'c'], `chunkSize ${chunkSize}`)
    t.regex((error as Error).message, /gzip|corrupt|header/i)
    t.deepEqual(await results.next(), { done: true, value: undefined })
  }
  await executor.shutdown()
})

behaviour('a chunk of native tasks moves what is in its transfer list', async (t, { create }) => {
  const executor = create(1)
  const bytes = range(5).map((n) => new Uint8Array(100).fill(n))
  const expected = await collect(executor.map(native.crc32, bytes))
  const transfer = bytes.slice(1).map(({ buffer }) => buffer as ArrayBuffer)
  t.deepEqual(await collect(executor.with({ chunkSize: 2, transfer }).map(native.crc32, bytes)), expected)
  t.deepEqual(
    bytes.map(({ byteLength }) => byteLength),
    [100, 0, 0, 0, 0],
  )
  await executor.shutdown()
})

everywhere('a chunk of native tasks stops in mid-chunk when its map is left or cancelled', async (t, { create }) => {
  const executor = create(1)
  const controller = new AbortController()
  // Minutes of work.
  const results = executor.with({ chunkSize: 1_000, signal: controller.signal }).map(native.countPrimes, new Array(1_000).fill(1e12))
  await until(() => executor.stats().running === 1, 'the chunk runs')
  const next = results.next()
  controller.abort(new Error('enough'))
  const error = await t.throwsAsync(next, { instanceOf: CancelledError })
  t.is((error?.cause as Error | undefined)?.message, 'enough')
  t.is(await executor.submit(native.countPrimes, 10).result(SOON), 4)
  await executor.shutdown()
})

everywhere(
  'an item whose arguments are refused ends the map after the results before it, with and without chunks',
  async (t, { create }) => {
    const executor = create(1)
    for (const chunkSize of [1, 2, 3, 100]) {
      const view = executor.with({ chunkSize })
      const numbers: unknown[] = []
      await t.throwsAsync(
        async () => {
          for await (const count of view.map(native.countPrimes, [2, 3, 5, 7, -1, 11])) numbers.push(count)
        },
        { instanceOf: RangeError, message: /limit/ },
      )
      t.deepEqual(numbers, [1, 2, 3, 4], `chunkSize ${chunkSize}`)
      const values: unknown[] = []
      await t.throwsAsync(
        async () => {
          for await (const value of view.map(work.all, [1, 2, { call: () => 1 }, 4])) values.push(value)
        },
        { any: true },
      )
      t.deepEqual(values, [[1], [2]], `chunkSize ${chunkSize}`)
    }
    await executor.shutdown()
  },
)

everywhere('an argument that cannot be cloned ends the map with a DataCloneError', async (t, { create }) => {
  const executor = create(1)
  for (const chunkSize of [1, 2]) {
    let error: unknown
    try {
      await collect(executor.with({ chunkSize }).map(work.all, [1, 2, () => {}, 4] as unknown[]))
    } catch (thrown) {
      error = thrown
    }
    t.is((error as Error | undefined)?.name, 'DataCloneError', `chunkSize ${chunkSize}`)
  }
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  await executor.shutdown()
})

everywhere('an argument that cannot be cloned is named alike with and without chunks', async (t, { create }) => {
  const executor = create(1)
  for (const chunkSize of [1, 2]) {
    const view = executor.with({ chunkSize })
    const error = await t.throwsAsync(async () => collect(view.map(work.all, [1, 2, 3], [1, 2, { call: () => 1 }] as unknown[])), {
      any: true,
    })
    t.is((error as Error).message, 'argument 2.call cannot be cloned: the function call', `chunkSize ${chunkSize}`)
  }
  await executor.shutdown()
})

behaviour(
  'a result that cannot be cloned fails its item: the results before it are delivered, with and without chunks',
  async (t, { create }) => {
    const executor = create(1)
    for (const chunkSize of [1, 2, 5]) {
      const results = executor.with({ chunkSize }).map((n: number) => (n === 3 ? { inner: [() => n] } : { n }), range(6))
      const seen: unknown[] = []
      const error = await t.throwsAsync(
        async () => {
          for await (const result of results) seen.push(result)
        },
        { any: true },
      )
      t.deepEqual(seen, [{ n: 0 }, { n: 1 }, { n: 2 }], `chunkSize ${chunkSize}`)
      t.is((error as Error).name, 'DataCloneError')
      t.is((error as Error).message, 'result.inner[0] cannot be cloned: a function')
    }
    await executor.shutdown()
  },
)

behaviour('transfer() moves the results of a map, with and without chunks', async (t, { create }) => {
  const executor = create(1)
  for (const chunkSize of [1, 2, 5]) {
    const results = executor.with({ chunkSize }).map(async (n: number) => {
      const { transfer } = await import('concurrent-futures')
      const bytes = new Uint8Array(3).fill(n)
      return transfer({ bytes }, [bytes.buffer])
    }, range(3))
    t.deepEqual(
      await collect(results),
      range(3).map((n) => ({ bytes: new Uint8Array(3).fill(n) })),
      `chunkSize ${chunkSize}`,
    )
  }
  await executor.shutdown()
})

withPorts(
  'a map moves what is in its transfer list with the task whose argument holds it, with and without chunks',
  async (t, { create }) => {
    const executor = create(2)
    const sum = (bytes: { all: Uint8Array }): number => bytes.all.reduce((a, b) => a + b, 0)
    for (const chunkSize of [1, 2, 5]) {
      const items = range(5).map((n) => ({ all: new Uint8Array(new ArrayBuffer(8), 2, 3).fill(n) }))
      const stays = new ArrayBuffer(4)
      const copied = { all: new Uint8Array(3).fill(5) }
      const transfer = [...items.map(({ all }) => all.buffer as ArrayBuffer), stays]
      const sums = executor.with({ chunkSize, transfer }).map(sum, [...items, copied])
      t.deepEqual(await collect(sums), [0, 3, 6, 9, 12, 15], `chunkSize ${chunkSize}`)
      t.true(items.every(({ all }) => all.buffer.byteLength === 0))
      t.deepEqual([stays.byteLength, copied.all.byteLength], [4, 3])
    }
    const bytes = range(3).map((n) => new Uint8Array(4).fill(n))
    const expected = await collect(executor.map(native.crc32, bytes))
    t.deepEqual(await collect(executor.with({ transfer: bytes.map(({ buffer }) => buffer) }).map(native.crc32, bytes)), expected)
    t.true(bytes.every(({ byteLength }) => byteLength === 0))
    const streams = range(3).map((n) => new Blob([String(n)]).stream())
    const texts = executor.with({ transfer: streams }).map(async (stream: ReadableStream<Uint8Array>) => {
      let text = ''
      for await (const part of stream) text += new TextDecoder().decode(part)
      return text
    }, streams)
    t.deepEqual(await collect(texts), ['0', '1', '2'])
    const twice = new ArrayBuffer(8)
    t.is(
      (
        t.throws(() => executor.with({ transfer: [twice, twice] }).map(sum as never, [twice]), {
          any: true,
        }) as Error
      ).name,
      'DataCloneError',
    )
    t.is(twice.byteLength, 8)
    await executor.shutdown()
  },
)

behaviour('a result that cannot be cloned fails its item also where another part of it would move', async (t, { create }) => {
  const executor = create(1)
  for (const chunkSize of [1, 4]) {
    const results = executor.with({ chunkSize }).map(async (n: number) => {
      const { transfer } = await import('concurrent-futures')
      const bytes = new Uint8Array(2)
      return transfer(n === 2 ? { bytes, inner: [() => 1] } : { bytes }, [bytes.buffer])
    }, range(4))
    const seen: unknown[] = []
    const error = await t.throwsAsync(
      async () => {
        for await (const result of results) seen.push(result)
      },
      { any: true },
    )
    t.deepEqual(seen, [{ bytes: new Uint8Array(2) }, { bytes: new Uint8Array(2) }], `chunkSize ${chunkSize}`)
    t.is((error as Error).name, 'DataCloneError')
    t.is((error as Error).message, 'result.inner[0] cannot be cloned: a function')
  }
  await executor.shutdown()
})

everywhere('several readers of one map get each result once, in order', async (t, { create }) => {
  const executor = create(2)
  const results = executor.map(work.double, range(6))
  const read = await Promise.all(range(7).map(() => results.next()))
  t.deepEqual(
    read.map(({ value }) => value),
    [0, 2, 4, 6, 8, 10, undefined],
  )
  await executor.shutdown()
})

behaviour('what an item throws arrives as it was, with and without chunks, whatever it holds', async (t, { create }) => {
  const executor = create(1)
  for (const chunkSize of [1, 3]) {
    const results = executor.with({ chunkSize }).map((n: number) => {
      if (n < 2) return new Map([[n, undefined]])
      throw Object.assign(new RangeError('third', { cause: new Set([1, undefined]) }), {
        at: new Date(5),
        map: new Map([[1, { a: undefined }]]),
      })
    }, range(4))
    const seen: unknown[] = []
    const read = async (): Promise<void> => {
      for await (const result of results) seen.push(result)
    }
    const error = await t.throwsAsync<RangeError>(read, { instanceOf: RangeError, message: 'third' })
    t.deepEqual(seen, [new Map([[0, undefined]]), new Map([[1, undefined]])], `chunkSize ${chunkSize}`)
    t.deepEqual(error?.cause, new Set([1, undefined]))
    t.deepEqual({ ...error }, { at: new Date(5), map: new Map([[1, { a: undefined }]]) } as never)
    const thrown = executor.with({ chunkSize }).map((_: number) => {
      throw new Map([[1, undefined]])
    }, range(3))
    t.deepEqual(await collect(thrown).catch((value: unknown) => value), new Map([[1, undefined]]) as never)
  }
  await executor.shutdown()
})
