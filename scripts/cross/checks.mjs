// What the package must do on a platform, in little. Titles and checks, in their order; check.mjs runs them.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { threadId, Worker } from 'node:worker_threads'
import { CancelledError, loadNative, native, ProcessPoolExecutor, ThreadPoolExecutor, TimeoutError } from 'concurrent-futures'

/** For what comes at once, also where an emulator and other work make it slow. */
export const SOON = 120_000
/** From the end of a task's time to the result of the one behind it. A system's clock may be coarse. */
const MILLISECONDS = 250
export const EXIT_CODE = 7

const where = () => import('node:worker_threads').then((threads) => threads.threadId)
const endless = function spin() {
  for (;;);
}
const countFor = (number, ms) => {
  const end = performance.now() + ms
  while (performance.now() < end);
  return number
}
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const untilRunning = async (future) => {
  while (!future.running()) await pause(1)
}

/** Leaves the process while a task spins. */
export async function exitWhileSpinning() {
  const future = new ThreadPoolExecutor(1).submit(endless)
  await untilRunning(future)
  process.exit(EXIT_CODE)
}

/** What the binding has found in the program that has loaded it, asked in a thread that does nothing else. */
function means() {
  const addon = new URL('../index.js', import.meta.resolve('concurrent-futures'))
  const source = `import(${JSON.stringify(addon.href)}).then(({ connect }) => {
    const { canInterrupt, canMove, canWrite, canStartChildren } = connect(() => {})
    require('node:worker_threads').parentPort.postMessage({ canInterrupt, canMove, canWrite, canStartChildren })
  })`
  return new Promise((resolve, reject) => new Worker(source, { eval: true }).on('message', resolve).on('error', reject))
}

/** What holds on every platform; `opened` has an executor shut down after the check. */
function common({ platform, opened, hasInterrupts, isEmulated }) {
  const threads = (maxWorkers) => opened(new ThreadPoolExecutor(maxWorkers))
  const stops = isEmulated || !hasInterrupts ? 20 : 500
  return {
    'the binary of this platform is the one that is loaded': () => {
      const ours = process.report.getReport().sharedObjects.filter((path) => path.endsWith('.node'))
      assert.deepEqual(
        ours.map((path) => path.split(/[\\/]/).at(-1)),
        [`concurrent-futures.${platform}.node`],
      )
    },
    'the symbols of V8 are found, each group whole': async () => {
      const canStartChildren = process.platform !== 'win32'
      assert.deepEqual(await means(), { canInterrupt: hasInterrupts, canMove: true, canWrite: true, canStartChildren })
    },
    'functions run on worker threads, and map gives results in order': async () => {
      const executor = threads(2)
      assert.equal(await executor.submit((a, b) => a * b, 6, 7).result(SOON), 42)
      assert.notEqual(await executor.submit(where).result(SOON), threadId)
      assert.equal(executor.submit(() => 5).resultSync(SOON), 5)
      const squares = []
      for await (const square of executor.map(
        (n) => n * n,
        Array.from({ length: 100 }, (_, n) => n),
      ))
        squares.push(square)
      assert.deepEqual(
        squares,
        Array.from({ length: 100 }, (_, n) => n * n),
      )
    },
    'errors arrive with their class, message, cause and stack': async () => {
      const failing = function fail() {
        throw new RangeError('too far', { cause: 'a test' })
      }
      const error = await threads(1).submit(failing).exception(SOON)
      assert.ok(error instanceof RangeError)
      assert.deepEqual([error.message, error.cause], ['too far', 'a test'])
      assert.match(error.stack, /at fail /)
    },
    'bytes, dates, maps, cycles and big integers cross': async () => {
      const value = {
        at: new Date(86_400_000),
        bytes: Uint8Array.of(1, 2, 3),
        big: 2n ** 80n,
        map: new Map([['é', [null, undefined, -0]]]),
      }
      value.self = value
      const executor = threads(1)
      assert.deepEqual(await executor.submit((given) => given, value).result(SOON), value)
      const large = new Map(Array.from({ length: 100_000 }, (_, n) => [n, `text ${n}`]))
      for (let round = 0; round < (isEmulated ? 1 : 20); round++) {
        assert.deepEqual(await executor.submit((given) => given, large).result(SOON), large)
      }
    },
    'a buffer moves, a thousand times, and shared memory is shared': async () => {
      const executor = threads(1)
      let buffer = new ArrayBuffer(1_000_000)
      new Uint8Array(buffer).fill(7)
      for (let round = 0; round < 1000; round++) {
        const there = executor.with({ transfer: [buffer] }).submit((given) => given, buffer)
        assert.equal(buffer.byteLength, 0)
        buffer = await there.result(SOON)
      }
      assert.deepEqual([buffer.byteLength, new Uint8Array(buffer).at(-1)], [1_000_000, 7])
      const shared = new Int32Array(new SharedArrayBuffer(8))
      await executor.submit((given) => Atomics.store(given, 1, 5), shared).result(SOON)
      assert.equal(shared[1], 5)
    },
    'an endless loop is stopped on time, says where it was, and its worker lives on': async () => {
      const executor = threads(1)
      const before = await executor.submit(where).result(SOON)
      const start = performance.now()
      const future = executor.with({ timeout: 300 }).submit(endless)
      const behind = executor.submit(where)
      const error = await future.exception(SOON)
      assert.ok(error instanceof TimeoutError)
      const after = await behind.result(SOON)
      const took = performance.now() - start - 300
      if (!hasInterrupts) return assert.notEqual(after, before)
      assert.match(error.taskStack, /at spin /)
      assert.equal(after, before)
      assert.ok(isEmulated || took < MILLISECONDS, `it took ${took} ms`)
    },
    'a cancelled loop is interrupted, and dump() shows where it is': async () => {
      const executor = threads(1)
      const before = await executor.submit(where).result(SOON)
      const future = executor.submit(endless)
      await untilRunning(future)
      if (hasInterrupts) assert.match((await executor.dump())[0].stack, /at spin /)
      assert.equal(future.cancel({ interrupt: true }), true)
      await assert.rejects(future.result(SOON), CancelledError)
      assert.equal((await executor.submit(where).result(SOON)) === before, hasInterrupts)
    },
    [`${stops} stops in a row at random moments hit nothing else`]: async () => {
      const executor = threads(1)
      let hits = 0
      for (let round = 0; round < stops; round++) {
        const future = executor.submit(countFor, round, Math.random() * 4)
        const behind = executor.submit(countFor, -round, 0)
        await pause(0)
        countFor(0, Math.random() * 3)
        const isCancelled = future.cancel({ interrupt: true })
        assert.equal(await behind.result(SOON), -round)
        assert.equal(future.cancelled(), isCancelled)
        if (isCancelled) hits++
        else assert.equal(await future.result(SOON), round)
      }
      assert.ok(hits > 0)
    },
  }
}

/** What runs in Rust and C. */
function nativeCode({ plugin, opened }) {
  return {
    'native tasks run: primes, digests, compression, sorting, products, passwords': async () => {
      const executor = opened(new ThreadPoolExecutor(2))
      const of = (task, ...args) => executor.submit(task, ...args).result(SOON)
      const hex = async (task, ...args) => Buffer.from(await of(task, ...args)).toString('hex')
      assert.equal(await of(native.countPrimes, 1_000_000), 78498)
      assert.match(await hex(native.sha256, 'abc'), /^ba7816bf8f01cfea/)
      assert.match(await hex(native.blake3, 'abc'), /^6437b3ac38465133/)
      assert.deepEqual([await of(native.crc32, 'abc'), await of(native.xxh3, 'abc')], [0x352441c2, 0x78af5f94892f3950n])
      const bytes = Uint8Array.from({ length: 300_000 }, (_, n) => (n * n) >> 3)
      for (const [pack, unpack] of [
        [native.gzip, native.gunzip],
        [native.zstd, native.unzstd],
      ]) {
        assert.deepEqual(new Uint8Array(await of(unpack, await of(pack, bytes))), bytes)
      }
      assert.deepEqual([...(await of(native.sort, Float64Array.of(3, NaN, -0, 1)))], [-0, 1, 3, NaN])
      const [a, b] = [Float64Array.of(1, 2, 3, 4), Float64Array.of(5, 6, 7, 8)]
      assert.deepEqual([...(await of(native.matmul, a, b, { m: 2, k: 2, n: 2 }))], [19, 22, 43, 50])
      const hash = await of(native.argon2id, 'secret', { memoryCost: 64, timeCost: 1 })
      assert.deepEqual([await of(native.argon2Verify, hash, 'secret'), await of(native.argon2Verify, hash, 'other')], [true, false])
    },
    'a plug-in in C is loaded, gives bytes, and is cancelled': async () => {
      const executor = opened(new ThreadPoolExecutor(1))
      const tasks = loadNative(plugin)
      const sum = await executor.submit(tasks.sum_bytes, Uint8Array.of(250, 250)).result(SOON)
      assert.equal(Buffer.from(sum).readBigUInt64LE(), 500n)
      assert.ok((await executor.with({ timeout: 200 }).submit(tasks.spin).exception(SOON)) instanceof TimeoutError)
      const sleeping = executor.submit(tasks.sleep_hook, Uint32Array.of(10 * SOON))
      await untilRunning(sleeping)
      assert.equal(sleeping.cancel({ interrupt: true }), true)
      assert.equal(await executor.submit(native.countPrimes, 10).result(SOON), 4)
    },
  }
}

function withoutChildren() {
  return {
    'a ProcessPoolExecutor says that there is none here yet': () => {
      assert.throws(() => new ProcessPoolExecutor(1), { code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', message: /win32 yet/ })
    },
  }
}

function children({ opened }) {
  const pool = (options = {}) => opened(new ProcessPoolExecutor({ maxWorkers: 1, ...options }))
  return {
    'child processes run tasks, and one that crashes costs only its own': async () => {
      const executor = pool()
      const first = await executor.submit(() => process.pid).result(SOON)
      assert.notEqual(first, process.pid)
      const value = { bytes: new Uint8Array(1_000_000).fill(3), at: new Date(5) }
      assert.deepEqual(await executor.submit((given) => given, value).result(SOON), value)
      const lost = await executor.submit(() => process.kill(process.pid, 'SIGKILL')).exception(SOON)
      assert.deepEqual([lost.name, lost.signal], ['WorkerLostError', 'SIGKILL'])
      assert.notEqual(await executor.submit(() => process.pid).result(SOON), first)
    },
    'a child with permissions loads the binary, and reads nothing else': async () => {
      const executor = pool({ permission: {} })
      assert.equal(await executor.submit(native.countPrimes, 10).result(SOON), 4)
      const refused = executor.submit(() => process.getBuiltinModule('node:fs').readdirSync('/'))
      assert.equal((await refused.exception(SOON)).code, 'ERR_ACCESS_DENIED')
    },
    'an endless loop in a child is stopped on time': async () => {
      const executor = pool()
      await executor.submit(() => 1).result(SOON)
      assert.ok((await executor.with({ timeout: 300 }).submit(endless).exception(SOON)) instanceof TimeoutError)
      assert.equal(await executor.submit(native.countPrimes, 10).result(SOON), 4)
    },
  }
}

function exits({ script }) {
  return {
    'process.exit() ends the process while a task spins, ten times': () => {
      for (let round = 0; round < 10; round++) {
        const { status } = spawnSync(process.execPath, [script, '--exit'], { stdio: 'ignore', timeout: SOON })
        assert.equal(status, EXIT_CODE)
      }
    },
  }
}

/** All that is to hold here. */
export function checksOf(options) {
  const ofChildren = process.platform === 'win32' ? withoutChildren() : children(options)
  return { ...common(options), ...nativeCode(options), ...ofChildren, ...exits(options) }
}
