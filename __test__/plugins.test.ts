import ava from 'ava'
import { copyFileSync, linkSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { CancelledError, loadNative, native, TimeoutError } from 'concurrent-futures'
import type { PluginTask, PluginTasks } from 'concurrent-futures'
import { cleanEnd, ended } from './child.ts'
import { behaviours } from './executors.ts'
import type { PoolExecutor } from 'concurrent-futures'
import { Folder, until } from './gate.ts'
import { HARD, PROMPT, SOON } from './limits.ts'
import { buildC, buildCText, buildRust } from './plugin-builder.ts'

const test = ava.serial
const behaviour = behaviours(test)

let rustPath: string
let cPath: string
let rust: PluginTasks<'reverse' | 'count_words' | 'spin' | 'wait' | 'progress_demo' | 'fail' | 'panic'>
let c: PluginTasks<'sum_bytes' | 'spin' | 'sleep_hook'>

test.before((t) => {
  t.timeout(10 * HARD)
  rustPath = buildRust()
  cPath = buildC('examples/plugin-c/plugin.c', 'plugin-c')
  rust = loadNative(rustPath)
  c = loadNative(cPath)
})

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const number = (bytes: Uint8Array): bigint => Buffer.from(bytes).readBigUInt64LE()
const milliseconds = (ms: number): Uint32Array => Uint32Array.of(ms)

async function capacityIsBack(executor: PoolExecutor): Promise<boolean> {
  const start = performance.now()
  await Promise.all([1, 2].map(() => executor.submit(native.countPrimes, 10).result(SOON)))
  return performance.now() - start < PROMPT
}

behaviour('a plug-in in Rust goes from bytes to bytes', async (t, { shared }) => {
  const executor = shared(2)
  const reversed = await executor.submit(rust.reverse, 'abc').result(SOON)
  t.true(reversed instanceof Uint8Array)
  t.is(text(reversed), 'cba')
  t.is(text(await executor.submit(rust.reverse, Uint8Array.of(1, 2, 3)).result(SOON)), '\x03\x02\x01')
  t.is((await executor.submit(rust.reverse).result(SOON)).length, 0)
  t.is(number(await executor.submit(rust.count_words, 'one zwölf 三').result(SOON)), 3n)
  const large = new Uint8Array(5_000_000).map((_, index) => index & 255)
  t.deepEqual(await executor.submit(rust.reverse, large).result(SOON), large.slice().reverse())
})

behaviour('a chunk of a map of a plug-in task is one task; a panic in it comes after the results before it', async (t, { shared }) => {
  const executor = shared(2)
  const before = executor.stats().completed
  const collect = async (inputs: string[], task: PluginTask, seen: string[] = []): Promise<string[]> => {
    for await (const bytes of executor.with({ chunkSize: 10 }).map(task, inputs)) seen.push(text(bytes))
    return seen
  }
  t.deepEqual(await collect(['abc', '', 'de'], rust.reverse), ['cba', '', 'ed'])
  t.is(executor.stats().completed - before, 1)
  const none: (undefined | string)[] = [undefined, 'ab']
  t.deepEqual(await collect(none as string[], rust.reverse), ['', 'ba'])
  await t.throwsAsync(collect(['abc', 'de'], rust.panic), { message: 'the native task panicked: on purpose, with 3 bytes' })
  await t.throwsAsync(collect(['abc'], rust.fail))
  t.true(await capacityIsBack(executor))
})

behaviour('a plug-in in C goes from bytes to bytes', async (t, { shared }) => {
  const executor = shared(2)
  t.is(number(await executor.submit(c.sum_bytes, Uint8Array.of(1, 2, 255)).result(SOON)), 258n)
  t.is(text(await executor.submit(c.sleep_hook, milliseconds(5)).result(SOON)), 'slept')
})

behaviour('wrong input is a TypeError of submit', (t, { shared }) => {
  const executor = shared(2)
  const reverse = rust.reverse as (...args: unknown[]) => Uint8Array
  for (const input of [null, 5, {}, [1]]) t.throws(() => executor.submit(reverse, input), { instanceOf: TypeError, message: /^input must/ })
  t.throws(() => executor.submit(reverse, 'a', 'b'), { instanceOf: TypeError, message: /one argument/ })
  t.throws(() => rust.reverse('a'), { instanceOf: TypeError, message: /native task reverse/ })
})

behaviour('errors of a plug-in fail the future, and so do panics, which harm nobody', async (t, { shared }) => {
  const executor = shared(2)
  await t.throwsAsync(executor.submit(rust.fail, 'schön "kaputt"\n').result(SOON), {
    instanceOf: Error,
    message: 'schön "kaputt"\n',
  })
  await t.throwsAsync(executor.submit(c.sleep_hook, 'abc').result(SOON), { message: 'sleep_hook wants 4 bytes' })
  await t.throwsAsync(executor.submit(rust.panic, 'abc').result(SOON), {
    instanceOf: Error,
    message: 'the native task panicked: on purpose, with 3 bytes',
  })
  t.is(text(await executor.submit(rust.reverse, 'abc').result(SOON)), 'cba')
})

behaviour('progress arrives all, in order, as bytes, before the result', async (t, { shared }) => {
  const executor = shared(2)
  const future = executor.submit(rust.progress_demo, 'abc')
  const seen: string[] = []
  future.onProgress((value) => seen.push(text(value as Uint8Array)))
  t.regex(text(await future.result(SOON)), /^3 bytes, None left$/)
  t.deepEqual(seen, ['0', '25', '50', '75', '100'])
})

behaviour('a plug-in sees the time that is left', async (t, { shared }) => {
  const executor = shared(2)
  const result = await executor.with({ timeout: 100_000 }).submit(rust.progress_demo, '').result(SOON)
  t.regex(text(result), /^0 bytes, Some\(99\.\d+s\) left$/)
})

/** They end only when they are told: by the flag (spin) or by the hook (wait, sleep_hook). */
const endless: [string, () => PluginTask, Uint32Array][] = [
  ['the flag, in Rust', () => rust.spin, milliseconds(0)],
  ['the flag, in C', () => c.spin, milliseconds(0)],
  ['the hook, in C', () => c.sleep_hook, milliseconds(3_600_000)],
  ['the hook, in Rust', () => rust.wait, milliseconds(0)],
]

for (const [how, task, input] of endless) {
  behaviour(`cancelling a running plug-in reaches ${how}`, async (t, { shared }) => {
    const executor = shared(2)
    const future = executor.submit(task(), input)
    await until(() => future.running(), 'it runs')
    t.true(future.cancel({ interrupt: true }))
    await t.throwsAsync(future.result(SOON), { instanceOf: CancelledError })
    t.true(await capacityIsBack(executor))
  })

  behaviour(`a time-out of a running plug-in reaches ${how}`, async (t, { shared }) => {
    const executor = shared(2)
    const futures = [1, 2, 3].map(() => executor.with({ timeout: 30 }).submit(task(), input))
    for (const future of futures) await t.throwsAsync(future.result(SOON), { instanceOf: TimeoutError })
    t.true(await capacityIsBack(executor))
  })
}

behaviour('cancelling right after the start never misses the hook', async (t, { shared }) => {
  const executor = shared(2)
  for (let round = 0; round < 300; round++) {
    const future = executor.submit(c.sleep_hook, milliseconds(3_600_000))
    while (future.state === 'pending');
    if (round % 3 === 1) await null
    t.true(future.cancel({ interrupt: true }))
  }
  t.true(await capacityIsBack(executor))
})

behaviour('terminateWorkers reaches plug-ins too', async (t, { create }) => {
  const own = create(1)
  const future = own.submit(c.sleep_hook, milliseconds(3_600_000))
  await until(() => future.running(), 'it runs')
  await own.terminateWorkers()
  await t.throwsAsync(future.result(SOON), { name: 'WorkerLostError' })
})

test('a path, another path to the same file and a URL load one library once', (t) => {
  const folder = new Folder(t)
  const link = folder.file('link.so')
  symlinkSync(rustPath, link)
  t.is(loadNative(rustPath), rust)
  t.is(loadNative(link), rust)
  t.is(loadNative(pathToFileURL(rustPath)), rust)
  t.is(loadNative(pathToFileURL(rustPath).href), rust)
  t.deepEqual(Object.keys(rust), ['reverse', 'count_words', 'spin', 'wait', 'progress_demo', 'fail', 'panic'])
  t.true(Object.isFrozen(rust))
  t.is(rust.reverse.name, 'reverse')
})

test('a second name of the same file, as package managers make them, is the same plug-in', (t) => {
  const folder = new Folder(t)
  const [first, second] = [folder.file('first.so'), folder.file('second.so')]
  copyFileSync(cPath, first)
  linkSync(first, second)
  t.is(loadNative(second), loadNative(first))
})

const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('a library that is cut off or made for another processor is refused with that reason', (t) => {
  const folder = new Folder(t)
  const library = readFileSync(cPath)
  const other = Uint8Array.from(library)
  other[18] = process.arch === 'arm64' ? 62 : 183
  const cases: [string, Uint8Array, RegExp][] = [
    ['cut.so', library.subarray(0, library.length / 2), /cut off/],
    ['other.so', other, /another processor/],
  ]
  for (const [name, bytes, message] of cases) {
    writeFileSync(folder.file(name), bytes)
    t.throws(() => loadNative(folder.file(name)), { code: 'ERR_PLUGIN_NOT_LOADABLE', message })
  }
})

test('what is no path is a TypeError', (t) => {
  for (const path of [undefined, null, 5, {}, new URL('https://example.com/x.so')]) {
    t.throws(() => loadNative(path as string), { instanceOf: TypeError })
  }
})

test('a missing, unreadable, foreign or incompatible library is an Error with a code', (t) => {
  const folder = new Folder(t)
  const junk = folder.file('junk.so')
  writeFileSync(junk, 'this is no library')
  const refused = (path: string, code: string, message: RegExp): void =>
    void t.throws(() => loadNative(path), { instanceOf: Error, code, message })
  refused(folder.file('nothing.so'), 'ERR_PLUGIN_NOT_FOUND', /nothing\.so/)
  refused(folder.file('.'), 'ERR_PLUGIN_NOT_FOUND', /not a file/)
  refused('', 'ERR_PLUGIN_NOT_FOUND', /cannot read/)
  refused(junk, 'ERR_PLUGIN_NOT_LOADABLE', /junk\.so.*(too short|invalid|not a|slice)/)
  refused(buildCText('int nothing_of_ours;', 'foreign'), 'ERR_PLUGIN_FOREIGN', /does not export concurrent_futures_tasks/)
  const newer = 'const cf_task_table *concurrent_futures_tasks(uint32_t host) { return NULL; }'
  refused(buildCText(newer, 'newer'), 'ERR_PLUGIN_INCOMPATIBLE', /newer host/)
  const older =
    'static const cf_task_table table = {sizeof table, 0, NULL, 0};\nconst cf_task_table *concurrent_futures_tasks(uint32_t host) { return &table; }'
  refused(buildCText(older, 'older'), 'ERR_PLUGIN_MALFORMED', /version 0/)
})

behaviour('two libraries with the same names stay apart', async (t, { shared }) => {
  const executor = shared(2)
  const folder = new Folder(t)
  const body = (answer: string): string =>
    `static int32_t run(cf_context *context) { return context->out(context, (const uint8_t *)"${answer}", 1); }\nCF_TASKS(CF_TASK("answer", run), CF_TASK("__proto__", run))`
  const one = loadNative<'answer'>(buildCText(body('1'), 'one'))
  const copy = folder.file('copy.so')
  copyFileSync(buildCText(body('2'), 'two'), copy)
  const two = loadNative<'answer'>(copy)
  t.is(text(await executor.submit(one.answer).result(SOON)), '1')
  t.is(text(await executor.submit(two.answer).result(SOON)), '2')
  t.deepEqual(Object.keys(one), ['answer', '__proto__'])
})

behaviour('a worker loads a plug-in and submits its tasks', async (t, { shared }) => {
  const executor = shared(2)
  const nested = executor.submit(async (path: string) => {
    const { currentExecutor, loadNative } = await import('concurrent-futures')
    const { reverse } = loadNative<'reverse'>(path)
    return currentExecutor()?.submit(reverse, 'nested')
  }, rustPath)
  t.is(text((await nested.result(SOON)) as Uint8Array), 'detsen')
})

behaviour('a process ends although a plug-in has run', async (t, { inChild }) => {
  const end = await inChild(
    async (api, path) => {
      const executor = api.create(1)
      const { reverse } = api.loadNative<'reverse'>(path)
      return Buffer.from(await executor.submit(reverse, 'abc')).toString()
    },
    [rustPath],
  )
  t.deepEqual(cleanEnd(end), ended('cba'))
})
