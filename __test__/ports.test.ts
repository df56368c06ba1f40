/**
 * What only a MessagePort can carry: as argument and result, cloned and moved, whatever happens to the task
 * on its way.
 */
import { createHmac, createSecretKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { BlockList, SocketAddress } from 'node:net'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { MessageChannel } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import ava from 'ava'
import { CancelledError, InvalidStateError, moduleTasks, native, QueueFullError, TimeoutError, WorkerLostError } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import { Folder, until } from './gate.ts'
import { SHORT, SOON } from './limits.ts'

// One at a time: workers that start at once slow each other down.
const behaviour = behaviours(ava.serial, ['pool', 'ports'])
const sharing = behaviours(ava.serial, ['pool', 'ports', 'sharedMemory'])

const work = moduleTasks<typeof import('./fixtures/work.mjs')>(new URL('./fixtures/work.mjs', import.meta.url))
const carried = moduleTasks<typeof import('./fixtures/carried.mjs')>(new URL('./fixtures/carried.mjs', import.meta.url))

const key = (text: string): KeyObject => createSecretKey(Buffer.from(text))
// The compiler's library for Node does not declare it.
const wasm = (globalThis as unknown as { WebAssembly: { Module: new (bytes: Uint8Array) => object } }).WebAssembly
const isNode20 = process.versions.node.startsWith('20.')

/** What `run` throws; AVA 7 does not take a DOMException of Node 20 for an error. */
function thrownBy(run: () => unknown): Error {
  try {
    run()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

/** A port that waits to be moved, and what has happened to its other side. */
function channel(): { port: MessagePort; other: MessagePort; closed: () => Promise<void> } {
  const { port1, port2 } = new MessageChannel()
  let isClosed = false
  port2.on('close', () => (isClosed = true))
  return { port: port1, other: port2, closed: () => until(() => isClosed, 'the port is closed') }
}

behaviour('what Node can clone arrives as an argument, alone, inside others, and twice the same', async (t, { create }) => {
  await using executor = create(1)
  const list = new BlockList()
  list.addAddress('1.2.3.4')
  const cryptoKey = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, true, ['sign'])
  const module = new wasm.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))
  t.is(await executor.submit(carried.exportKey, key('secret')).result(SOON), 'secret')
  t.is(await executor.submit(carried.text, new Blob(['some ', 'text'])).result(SOON), 'some text')
  const values = [list, cryptoKey, module, new SocketAddress({ address: '1.2.3.4', port: 5 })]
  const names = values.map((value) => `${Object.prototype.toString.call(value).slice(8, -1)}:${value.constructor.name}`)
  t.deepEqual(await executor.submit(carried.classes, ...values).result(SOON), names)
  const shared = key('shared')
  const echo = (a: any, b: any): unknown => [a.k === b.get('k'), a.k.export().toString(), a.d.getTime(), 'u' in a]
  t.deepEqual(await executor.submit(echo, { k: shared, d: new Date(7), u: undefined }, new Map([['k', shared]])).result(SOON), [
    true,
    'shared',
    7,
    true,
  ])
})

behaviour('an array with as many properties as holes brings a Blob in one of them along', async (t, { create }) => {
  await using executor = create(1)
  const sparse: unknown[] & { blob?: Blob } = [1, , 3]
  sparse.blob = new Blob(['abc'])
  const look = (array: typeof sparse): unknown[] => [1 in array, array.length, array.blob?.size]
  t.deepEqual(await executor.submit(look, sparse).result(SOON), [false, 3, 3])
})

behaviour('a DOMException arrives as a value', async (t, { create }) => {
  await using executor = create(1)
  const [error] = (await executor.submit(carried.echo, new DOMException('no', 'AbortError')).result(SOON)) as [DOMException]
  if (isNode20) t.pass('Node 20 clones a DOMException to an empty object')
  else t.deepEqual([error instanceof DOMException, error.name, error.message], [true, 'AbortError', 'no'])
})

behaviour('what Node can clone arrives as a result', async (t, { create }) => {
  await using executor = create(1)
  const make = (kind: string): Promise<any> => executor.submit(carried.make, kind).result(SOON)
  t.is(String((await make('key')).export()), 'made')
  t.is((await make('cryptoKey')).type, 'secret')
  t.is(await (await make('blob')).text(), 'made')
  t.true((await make('blockList')).check('1.2.3.4'))
  t.is((await make('address')).port, 5)
  t.true((await make('module')) instanceof wasm.Module)
})

behaviour('what is thrown or reported as progress may hold it, too', async (t, { create }) => {
  await using executor = create(1)
  t.is(String(((await executor.submit(carried.throwKey).exception(SOON)) as KeyObject).export()), 'thrown')
  const error = (await executor.submit(carried.throwWithBlob).exception(SOON)) as RangeError & { blob: Blob }
  t.deepEqual([error instanceof RangeError, error.message, await error.blob.text(), 'fn' in error], [true, 'with a blob', 'inside', false])
  const future = executor.submit(carried.reportBlobs, 5)
  const seen: { n: number; blob: Blob }[] = []
  future.onProgress((value) => seen.push(value as { n: number; blob: Blob }))
  t.is(await future.result(SOON), 5)
  t.deepEqual(
    await Promise.all(seen.map(async ({ n, blob }) => [n, await blob.text()])),
    [0, 1, 2, 3, 4].map((n) => [n, String(n)]),
  )
})

behaviour('a MessagePort moves to a task, and from one', async (t, { create }) => {
  await using executor = create(1)
  const { port, other, closed } = channel()
  const heard: unknown[] = []
  other.on('message', (value) => heard.push(value))
  await executor
    .with({ transfer: [port] })
    .submit(carried.post, port, 1, 'two')
    .result(SOON)
  await closed()
  t.deepEqual(heard, [1, 'two'])
  const { port: made } = (await executor.submit(carried.makePort).result(SOON)) as { port: MessagePort }
  made.postMessage(21)
  t.deepEqual(await once(made, 'message'), [42])
  made.close()
})

behaviour('streams and file handles move to a task, and from one', async (t, { create }) => {
  const folder = new Folder(t)
  const path = folder.file('text')
  writeFileSync(path, 'contents')
  await using executor = create(1)
  const file = await open(path)
  t.is(
    await executor
      .with({ transfer: [file] })
      .submit(carried.readFile, file)
      .result(SOON),
    'contents',
  )
  t.is(file.fd, -1)
  const back = (await executor.submit(carried.openFile, path).result(SOON)) as unknown as FileHandle
  t.is(await back.readFile('utf8'), 'contents')
  await back.close()
  const stream = new ReadableStream({
    start(controller) {
      for (const chunk of ['a', 'b']) controller.enqueue(chunk)
      controller.close()
    },
  })
  const reading = executor.with({ transfer: [stream] }).submit(carried.readStream, stream)
  t.true(stream.locked)
  t.deepEqual(await reading.result(SOON), ['a', 'b'])
  const made = (await executor.submit(carried.makeStream, 3).result(SOON)) as unknown as AsyncIterable<number>
  const chunks: number[] = []
  for await (const chunk of made) chunks.push(chunk)
  t.deepEqual(chunks, [0, 1, 2])
})

behaviour('an ArrayBuffer moves together with them, and beside what is only cloned', async (t, { create }) => {
  await using executor = create(1)
  const [bytes, { port, closed }] = [new Uint8Array([1, 2, 3]), channel()]
  const look = (view: Uint8Array, target: MessagePort, secret: KeyObject): unknown => {
    target.close()
    return [...view, secret.export().toString()]
  }
  t.deepEqual(
    await executor
      .with({ transfer: [bytes.buffer, port] })
      .submit(look, bytes, port, key('k'))
      .result(SOON),
    [1, 2, 3, 'k'],
  )
  t.is(bytes.byteLength, 0)
  await closed()
  const more = new Uint8Array([4, 5])
  const isWhole = (view: Uint8Array, blob: Blob): unknown => [view.length, blob instanceof Blob, blob.size]
  t.deepEqual(
    await executor
      .with({ transfer: [more.buffer] })
      .submit(isWhole, more, new Blob(['abc']))
      .result(SOON),
    [2, true, 3],
  )
  t.is(more.byteLength, 0)
})

sharing('shared memory is shared, wherever it is in an argument or a result', async (t, { create }) => {
  await using executor = create(1)
  const memory = new SharedArrayBuffer(8)
  class Holder {
    readonly view = new Int32Array(memory, 4, 1)
  }
  const write = (value: any, at: number): number =>
    Atomics.add(new Int32Array(at === 0 ? value.a[0].get('m').memory : value.view.buffer), at, 1)
  t.is(await executor.submit(write, { a: [new Map([['m', { memory }]])] }, 0).result(SOON), 0)
  t.is(executor.submit(write, new Holder(), 1).resultSync(SOON), 0)
  t.deepEqual([...new Int32Array(memory)], [1, 1])
  // Beside what only a port can carry.
  t.is(await executor.submit((value: any) => Atomics.add(new Int32Array(value.memory), 0, 1), { memory, k: key('k') }).result(SOON), 1)
  t.is(new Int32Array(memory)[0], 2)
  const moved = new ArrayBuffer(4)
  t.is(
    await executor
      .with({ transfer: [moved] })
      .submit((value: any) => Atomics.add(new Int32Array(value.memory), 0, 1) + value.moved.byteLength, {
        memory,
        moved,
      })
      .result(SOON),
    6,
  )
  const made = (await executor.submit(carried.makeShared).result(SOON)) as unknown as {
    deep: [{ memory: SharedArrayBuffer; blob: Blob }]
  }
  t.true(made.deep[0].memory instanceof SharedArrayBuffer)
  t.deepEqual([new Int32Array(made.deep[0].memory)[0], made.deep[0].blob.size], [5, 1])
})

behaviour('arguments are taken as they are at the call, and getters are called once', async (t, { create }) => {
  await using executor = create(1)
  let calls = 0
  const value = { k: key('k'), list: [1], get g() { return ++calls } } // prettier-ignore
  const future = executor.submit((v: any) => [v.list.length, v.g], value)
  value.list.push(2)
  t.deepEqual(await future.result(SOON), [1, 1])
  t.is(calls, 1)
})

behaviour('a task that is refused leaves what was to be moved untouched, and nothing is submitted', async (t, { create }) => {
  const folder = new Folder(t)
  const gate = folder.gate()
  const executor = create({ maxWorkers: 1, maxQueue: 1 })
  const [{ port, other }, bytes] = [channel(), new ArrayBuffer(8)]
  const file = await open(new URL(import.meta.url))
  const stream = new ReadableStream()
  const list = [port, bytes, file, stream]
  const moving = executor.with({ transfer: list })
  const untouched = (): void => void t.deepEqual([bytes.byteLength, file.fd >= 0, stream.locked], [8, true, false])

  const error = thrownBy(() => moving.submit(carried.echo, ...list, { deep: [() => 1] }))
  t.deepEqual([error.name, error.message], ['DataCloneError', 'argument 5.deep[0] cannot be cloned: a function'])
  untouched()
  t.is(thrownBy(() => executor.with({ transfer: [bytes, bytes, port] }).submit(carried.echo, port)).name, 'DataCloneError')
  t.is(thrownBy(() => executor.with({ transfer: [{}, port] }).submit(carried.echo, port)).name, 'DataCloneError')
  const gone = new ArrayBuffer(8)
  structuredClone(gone, { transfer: [gone] })
  for (const list of [[gone], [gone, port]])
    t.is(thrownBy(() => executor.with({ transfer: list }).submit(carried.echo, gone)).name, 'DataCloneError')
  t.is(thrownBy(() => executor.submit(carried.echo, port)).name, 'DataCloneError')
  t.is(thrownBy(() => executor.with({ transfer: [port] }).submit(native.crc32, new Uint8Array(bytes))).name, 'DataCloneError')
  untouched()
  t.is(executor.stats().queued + executor.stats().cancelled, 0)

  const running = executor.submit(work.waitFor, gate)
  await until(() => running.running(), 'the task runs')
  const waiting = executor.submit(carried.exportKey, key('first'))
  t.throws(() => moving.submit(carried.echo, ...list), { instanceOf: QueueFullError })
  untouched()
  folder.open(gate)
  t.is(await waiting.result(SOON), 'first')
  await executor.shutdown()
  t.throws(() => moving.submit(carried.echo, ...list), { instanceOf: InvalidStateError })
  untouched()
  port.postMessage('alive')
  t.deepEqual(await once(other, 'message'), ['alive'])
  other.close()
  await file.close()
})

behaviour('a result that cannot be cloned or moved fails the future with a DataCloneError', async (t, { create }) => {
  await using executor = create(1)
  const error = (await executor.submit(carried.unclonable).exception(SOON)) as Error
  t.deepEqual([error.name, /^result\.fn cannot be cloned/.test(error.message)], ['DataCloneError', true])
  t.is(await executor.submit(carried.exportKey, key('on')).result(SOON), 'on')
})

behaviour('resultSync works in both directions, also when no worker has started', async (t, { create }) => {
  const executor = create(2)
  t.is(executor.submit(carried.exportKey, key('sync')).resultSync(SOON), 'sync')
  const futures = Array.from({ length: 20 }, (_, index) => executor.submit(carried.swap, key(String(index))))
  for (const [index, future] of futures.entries())
    t.is(String((future.resultSync(SOON) as unknown as { key: KeyObject }).key.export()), `${index} twice`)
  const made = executor.submit(carried.makePort).resultSync(SOON) as unknown as { port: MessagePort }
  made.port.postMessage(4)
  t.deepEqual(await once(made.port, 'message'), [8])
  made.port.close()
  await executor.shutdown()
})

behaviour('a task that is carried keeps its turn, and runs on a worker that is free', async (t, { create }) => {
  const folder = new Folder(t)
  const [gate, notes] = [folder.gate(), folder.file('notes')]
  await using executor = create(2)
  const long = executor.submit(work.waitFor, gate)
  await until(() => long.running(), 'the task runs')
  const threads = new Set<number>()
  for (let round = 0; round < 20; round++)
    threads.add(((await executor.submit(carried.keyAndThread, key('k')).result(SOON)) as [string, number])[1])
  const many = await Promise.all(Array.from({ length: 50 }, (_, n) => executor.submit(carried.keyAndThread, key(String(n))).result(SOON)))
  t.deepEqual(
    many.map(([text]) => text),
    Array.from({ length: 50 }, (_, n) => String(n)),
  )
  for (const [, thread] of many) threads.add(thread as number)
  t.is(threads.size, 1)
  const noteKey = async (path: string, secret: KeyObject): Promise<void> => {
    const { appendFileSync } = await import('node:fs')
    appendFileSync(path, `${secret.export()}\n`)
  }
  // A worker is reserved for 5 ms: others run first where the system keeps this thread from its turn for
  // longer (docs/values.md). The order itself is proven without clocks in crates/pool/tests/handover.rs.
  const inOrder = ['1', '2', '3', '4']
  const seen: string[][] = []
  while (seen.length < 50 && seen.at(-1)?.join() !== inOrder.join()) {
    const before = folder.notes(notes).length
    const futures = [
      executor.submit(work.note, notes, '1'),
      executor.submit(noteKey, notes, key('2')),
      executor.submit(work.note, notes, '3'),
      executor.submit(noteKey, notes, key('4')),
    ]
    for (const future of futures) await future.result(SOON)
    seen.push(folder.notes(notes).slice(before))
  }
  for (const round of seen) t.deepEqual(round.toSorted(), inOrder)
  t.deepEqual(seen.at(-1), inOrder)
  folder.open(gate)
})

behaviour('other tasks run while the owner is busy and cannot hand anything over', async (t, { create }) => {
  const executor = create(1)
  await executor.submit(work.add, 1, 1).result(SOON)
  const folder = new Folder(t)
  const gate = folder.gate()
  const first = executor.submit(work.waitFor, gate)
  await until(() => first.running(), 'the task runs')
  const carriedOne = executor.submit(carried.exportKey, key('late'))
  const plain = executor.submit(work.add, 1, 2)
  folder.open(gate)
  // Polling leaves no turn to the loop, nor does it serve.
  const end = Date.now() + SOON
  while (!plain.done() && Date.now() < end);
  t.true(plain.done())
  t.is(await carriedOne.result(SOON), 'late')
  await executor.shutdown()
})

behaviour('cancelled, expired and aborted before they start, such tasks let go of what they hold', async (t, { create }) => {
  const folder = new Folder(t)
  const gate = folder.gate()
  const executor = create(1)
  const long = executor.submit(work.waitFor, gate)
  await until(() => long.running(), 'the task runs')
  const [one, two, three, four] = [channel(), channel(), channel(), channel()]
  const send = ({ port }: { port: MessagePort }, options = {}) =>
    executor.with({ transfer: [port], ...options }).submit(carried.post, port, 'never')
  const controller = new AbortController()
  const cancelled = send(one)
  t.true(cancelled.cancel())
  await one.closed()
  const expired = send(two, { queueTimeout: SHORT })
  await t.throwsAsync(expired.result(SOON), { instanceOf: TimeoutError })
  await two.closed()
  const aborted = send(three, { signal: controller.signal })
  controller.abort()
  await t.throwsAsync(aborted.result(SOON), { instanceOf: CancelledError })
  await three.closed()
  const none = send(four, { timeout: 0 })
  await t.throwsAsync(none.result(SOON), { instanceOf: TimeoutError })
  await four.closed()
  t.deepEqual([executor.stats().queued, executor.stats().cancelled, executor.stats().timedOut], [0, 2, 2])
  folder.open(gate)
  t.is(await executor.submit(carried.exportKey, key('next')).result(SOON), 'next')
  await executor.shutdown()
})

behaviour('a running task with such arguments can be stopped, and has its run time limited', async (t, { create }) => {
  await using executor = create(1)
  const spin = (_: unknown): void => {
    for (;;);
  }
  await t.throwsAsync(executor.with({ timeout: SHORT }).submit(spin, key('k')).result(SOON), {
    instanceOf: TimeoutError,
  })
  const future = executor.submit(spin, key('k'))
  await until(() => future.running(), 'the task runs')
  t.true(future.cancel({ interrupt: true }))
  t.is(await executor.submit(carried.exportKey, key('after')).result(SOON), 'after')
})

behaviour('shutdown runs what was accepted; cancelFutures and terminateWorkers cancel it and let go of it', async (t, { create }) => {
  const folder = new Folder(t)
  const first = create(1)
  const futures = Array.from({ length: 5 }, (_, n) => first.submit(carried.exportKey, key(String(n))))
  const done = first.shutdown()
  for (const [n, future] of futures.entries()) t.is(await future.result(SOON), String(n))
  await done
  for (const how of ['cancelFutures', 'terminate'] as const) {
    const gate = folder.gate(how)
    const executor = create(1)
    const long = executor.submit(work.waitFor, gate)
    await until(() => long.running(), 'the task runs')
    const { port, closed } = channel()
    const future = executor.with({ transfer: [port] }).submit(carried.post, port)
    const over = how === 'terminate' ? executor.terminateWorkers() : executor.shutdown({ cancelFutures: true })
    t.true(future.cancelled())
    await closed()
    folder.open(gate)
    await over
  }
})

behaviour('a worker that dies before it is handed a task does not take it along', async (t, { create }) => {
  const executor = create(1)
  const dying = executor.submit(carried.dieWith)
  const futures = Array.from({ length: 3 }, (_, n) => executor.submit(carried.exportKey, key(String(n))))
  await t.throwsAsync(dying.result(SOON), { instanceOf: WorkerLostError })
  for (const [n, future] of futures.entries()) t.is(await future.result(SOON), String(n))
  await executor.shutdown()
})

behaviour('a worker that dies with a task in its hands loses that one, and closes its ports', async (t, { create }) => {
  const executor = create(1)
  const { port, closed } = channel()
  const die = (_: MessagePort): void => process.exit(3)
  const error = await executor
    .with({ transfer: [port] })
    .submit(die, port)
    .exception(SOON)
  t.true(error instanceof WorkerLostError)
  await closed()
  t.is(await executor.submit(carried.exportKey, key('next')).result(SOON), 'next')
  await executor.shutdown()
})

behaviour('a task submits and gets such values itself, also while it blocks and with one worker', async (t, { create }) => {
  for (const workers of [1, 2]) {
    await using executor = create(workers)
    t.is(await executor.submit(carried.nest, false).result(SOON), 'nested twice nested')
    t.is(await executor.submit(carried.nest, true).result(SOON), 'nested twice nested')
    t.is(executor.submit(carried.nest, false).resultSync(SOON), 'nested twice nested')
    t.is(executor.submit(carried.nest, true).resultSync(SOON), 'nested twice nested')
  }
})

behaviour('map carries them, one by one and in chunks', async (t, { create }) => {
  await using executor = create(2)
  const keys = Array.from({ length: 25 }, (_, n) => key(String(n)))
  const expected = keys.map((_, n) => `${n} twice`)
  for (const chunkSize of [1, 4]) {
    const results: string[] = []
    for await (const { key: made } of executor.with({ chunkSize }).map(carried.swap, keys) as AsyncIterable<any>)
      results.push(String(made.export()))
    t.deepEqual(results, expected)
  }
})

behaviour('an initializer gets them', async (t, { create }) => {
  await using executor = create({
    maxWorkers: 2,
    initializer: carried.initialize,
    initargs: [key('init'), { blob: new Blob(['abc']) }],
  })
  t.is(await executor.submit(carried.initialValue).result(SOON), 'init 3')
})

behaviour('several tasks on one worker each get their own, with tasksPerWorker', async (t, { create }) => {
  await using executor = create({ maxWorkers: 1, tasksPerWorker: 8 })
  const later = async (secret: KeyObject, ms: number): Promise<KeyObject> => {
    await new Promise((resolve) => setTimeout(resolve, ms))
    return secret
  }
  const futures = Array.from({ length: 40 }, (_, n) => executor.submit(later, key(String(n)), n % 7))
  for (const [n, future] of futures.entries()) t.is(String((await future.result(SOON)).export()), String(n))
})

behaviour('priority counts for them, and workers that are replaced after each task get them', async (t, { create }) => {
  const folder = new Folder(t)
  const gate = folder.gate()
  await using executor = create({ maxWorkers: 1, maxTasksPerWorker: 2 })
  const long = executor.submit(work.waitFor, gate)
  await until(() => long.running(), 'the task runs')
  const order: string[] = []
  const futures = [0, 5, 1].map((priority) => executor.with({ priority }).submit(carried.exportKey, key(String(priority))))
  for (const future of futures) future.addDoneCallback(() => order.push(future.resultSync()))
  folder.open(gate)
  await Promise.all(futures.map((future) => future.result(SOON)))
  t.deepEqual(order, ['5', '1', '0'])
})

behaviour('an executor that has carried something keeps no process alive, and a random mix settles', async (t, { create }) => {
  const executor = create({ maxWorkers: 2, tasksPerWorker: 2 })
  const futures = []
  for (let n = 0; n < 300; n++) {
    const future = n % 3 === 0 ? executor.submit(work.add, n, 0) : executor.with({ priority: n % 2 }).submit(carried.swap, key(String(n)))
    if (n % 7 === 0) future.cancel({ interrupt: true })
    if (n % 50 === 0) await sleep(1)
    futures.push(future)
  }
  for (const future of futures) {
    const error = await future.exception(SOON).catch((reason: unknown) => reason)
    t.true(error === null || error instanceof CancelledError)
  }
  t.is(executor.stats().queued + executor.stats().running, 0)
  t.is(createHmac('sha1', key('x')).digest().length, 20)
  await executor.shutdown()
})

behaviour(
  'tasks that block for tasks whose arguments a port carries need one worker more, however many they are',
  async (t, { create }) => {
    const executor = create(1)
    const outer = async (n: number): Promise<number> => {
      const { currentExecutor } = await import('concurrent-futures')
      return currentExecutor()!
        .submit((_blob: Blob, n: number) => n, new Blob(['x']), n)
        .resultSync()
    }
    t.is(await executor.submit(outer, 0).result(SOON), 0)
    const futures = Array.from({ length: 60 }, (_, n) => executor.submit(outer, n))
    let most = 0
    for (const [n, future] of futures.entries()) {
      t.is(await future.result(SOON), n)
      const { idle, busy, starting } = executor.stats().workers
      most = Math.max(most, idle + busy + starting)
    }
    // Each of them is 12 MB. A machine that does not get to carry the arguments for long may lend some more.
    t.true(most <= 20, `${most} workers`)
    await executor.shutdown()
  },
)
