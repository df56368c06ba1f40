/**
 * Plug-ins that are rough with their host: hooks that do not come back, results without room, floods of
 * progress.
 */
import ava from 'ava'
import { copyFileSync, renameSync, symlinkSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { loadNative, native } from 'concurrent-futures'
import type { Future, PluginTasks } from 'concurrent-futures'
import { cleanEnd, ended, inChild } from './child.ts'
import { behaviours } from './executors.ts'
import { Folder, until } from './gate.ts'
import { HARD, SOON } from './limits.ts'
import { buildCText } from './plugin-builder.ts'

const test = ava.serial
const behaviour = behaviours(test)

const ROUGH = `
#include <stdlib.h>
#include <unistd.h>
#include <stdio.h>
#include <sys/resource.h>
static void hang(void *data) { (void)data; for (;;) pause(); }
static int32_t hook_hangs(cf_context *c) {
  c->on_cancel(c, hang, NULL);
  while (!cf_cancelled(c)) usleep(1000);
  return CF_CANCELLED;
}
static int32_t wait_flag(cf_context *c) { while (!cf_cancelled(c)) usleep(1000); return CF_CANCELLED; }
static int32_t echo_error(cf_context *c) {
  c->error(c, (const char *)c->input, c->input_length);
  return CF_ERROR;
}
static int32_t flood(cf_context *c) {
  uint32_t count;
  memcpy(&count, c->input, 4);
  for (uint32_t i = 0; i < count; i++) c->progress(c, (const uint8_t *)&i, 4);
  return CF_OK;
}
static int32_t deep(cf_context *c) {
  volatile char big[6 << 20];
  for (size_t i = 0; i < sizeof big; i += 4096) big[i] = 1;
  return c->out(c, (const uint8_t *)"deep", 4);
}
static int32_t large(cf_context *c) {
  uint32_t size;
  memcpy(&size, c->input, 4);
  return c->out_reserve(c, size) == NULL ? CF_ERROR : CF_OK;
}
/* From now on the process gets so many bytes of address space more. */
static int32_t starve(cf_context *c) {
  uint32_t more;
  memcpy(&more, c->input, 4);
  FILE *file = fopen("/proc/self/statm", "r");
  unsigned long pages = 0;
  if (file == NULL || fscanf(file, "%lu", &pages) != 1) return CF_ERROR;
  fclose(file);
  rlim_t most = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + more;
  struct rlimit limit = {most, RLIM_INFINITY};
  return setrlimit(RLIMIT_AS, &limit) == 0 ? CF_OK : CF_ERROR;
}
CF_TASKS(CF_TASK("hook_hangs", hook_hangs), CF_TASK("wait_flag", wait_flag), CF_TASK("echo_error", echo_error),
  CF_TASK("flood", flood), CF_TASK("deep", deep), CF_TASK("large", large), CF_TASK("starve", starve))`

let path: string
let rough: PluginTasks<'wait_flag' | 'echo_error' | 'flood' | 'deep'>
test.before((t) => {
  t.timeout(2 * HARD)
  path = buildCText(`#define _GNU_SOURCE\n${ROUGH}`, 'rough')
  rough = loadNative(path)
})

const number = (value: number): Uint32Array => Uint32Array.of(value)

behaviour(
  'a hook that does not come back costs its own thread: other tasks are stopped in time, and the process ends',
  async (t, { inChild }) => {
    const end = await inChild(
      async ({ create, loadNative }, path: string) => {
        const { hook_hangs } = loadNative<'hook_hangs'>(path)
        const [one, other] = [create(2), create(1)]
        const names = [(await one.with({ timeout: 50 }).submit(hook_hangs).exception(20_000)) as Error]
        names.push(
          (await other
            .with({ timeout: 50 })
            .submit(() => {
              for (;;);
            })
            .exception(20_000)) as Error,
        )
        const future = one.submit(hook_hangs)
        while (!future.running()) await new Promise((resolve) => setTimeout(resolve, 5))
        await new Promise((resolve) => setTimeout(resolve, 50))
        const cancelled = future.cancel({ interrupt: true })
        console.log(JSON.stringify([...names.map(({ name }) => name), cancelled]))
        process.exit(0)
      },
      [path],
    )
    t.deepEqual({ ...cleanEnd(end), value: end.output.trim() }, ended('["TimeoutError","TimeoutError",true]'))
  },
)

behaviour('much progress is delivered in portions, between which the event loop turns, and before the result', async (t, { create }) => {
  await using executor = create(1)
  const COUNT = 50_000
  const seen: number[] = []
  const turns = new Set<number>()
  let turn = 0
  let isOver = false
  const count = (): void => {
    turn++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  const future = executor.submit(rough.flood, number(COUNT))
  future.onProgress((bytes) => {
    seen.push(Buffer.from(bytes as Uint8Array).readUInt32LE())
    turns.add(turn)
  })
  const deadline = Date.now() + SOON
  while (!future.done() && Date.now() < deadline);
  await future.result(SOON)
  isOver = true
  t.is(seen.length, COUNT)
  t.true(seen.every((value, index) => value === index))
  t.true(turns.size >= COUNT / 2048, `${turns.size} turns`)
})

behaviour('an error has as much of its text as a host keeps', async (t, { create }) => {
  await using executor = create(1)
  const error = await executor.submit(rough.echo_error, 'a\0'.repeat(100_000)).exception(SOON)
  t.is((error as Error).message, 'a\0'.repeat(32_768))
})

behaviour('a task has 8 MiB of stack', async (t, { create }) => {
  await using executor = create(1)
  t.is(Buffer.from(await executor.submit(rough.deep).result(SOON)).toString(), 'deep')
})

behaviour('dump() names native tasks', async (t, { create }) => {
  const executor = create({ maxWorkers: 3 })
  const futures: Future<unknown>[] = [executor.submit(rough.wait_flag), executor.with({ name: 'mine' }).submit(rough.wait_flag)]
  try {
    // All workers are there before the last task, which takes some seconds, begins.
    t.is(await executor.submit(native.countPrimes, 10).result(SOON), 4)
    futures.push(executor.submit(native.argon2id, 'password', { memoryCost: 2 ** 16, timeCost: 2 ** 6 }))
    await until(() => futures.every((future) => future.running()), 'they run')
    const names = (await executor.dump()).map(({ task }) => task?.name)
    t.deepEqual(names.sort(), ['argon2id', 'mine', 'wait_flag'])
  } finally {
    for (const future of futures) future.cancel({ interrupt: true })
    await executor.shutdown()
  }
})

const onLinux = process.platform === 'linux' ? test : test.skip
const behaviourOnLinux: typeof behaviour = process.platform === 'linux' ? behaviour : (title) => test.skip(title, () => {})

behaviourOnLinux('two libraries whose paths are not UTF-8 stay apart', async (t, { create }) => {
  const folder = new Folder(t)
  const body = (answer: string): string =>
    `static int32_t run(cf_context *c) { return c->out(c, (const uint8_t *)"${answer}", 1); }\nCF_TASKS(CF_TASK("answer", run))`
  await using executor = create(1)
  const answers: string[] = []
  for (const [index, byte] of [0xe4, 0xf6].entries()) {
    const strange = Buffer.concat([Buffer.from(folder.file('x')), Buffer.of(byte), Buffer.from('.so')])
    const plain = folder.file(`${index}.so`)
    copyFileSync(buildCText(body(String(index)), `strange-${index}`), plain)
    renameSync(plain, strange)
    const link = folder.file(`link-${index}.so`)
    symlinkSync(strange, link)
    answers.push(Buffer.from(await executor.submit(loadNative<'answer'>(link).answer).result(SOON)).toString())
  }
  t.deepEqual(answers, ['0', '1'])
})

onLinux('a library that needs a plug-in is none itself', (t) => {
  const folder = new Folder(t)
  const file = folder.file('needs.so')
  const text = buildCText('int nothing_of_ours;', 'needs').replace(/\.so$/, '.c')
  execFileSync('cc', ['-shared', '-fPIC', '-I', 'crates/task/include', '-Wl,--no-as-needed', '-o', file, text, path], { stdio: 'pipe' })
  t.throws(() => loadNative(file), { code: 'ERR_PLUGIN_FOREIGN' })
})

// From here on: what is a thread pool's alone.

onLinux('where there is no memory for arguments or a result, that task fails and nothing else', async (t) => {
  const end = await inChild(
    async ({ loadNative, native, ThreadPoolExecutor }, path: string) => {
      const MB = 2 ** 20
      const { large, starve } = loadNative<'large' | 'starve'>(path)
      const exits: number[] = []
      process.on('worker', (worker) => worker.on('exit', (code) => exits.push(code)))
      const executor = new ThreadPoolExecutor({ maxWorkers: 2 })
      const size = (n: number): number => new Uint8Array(n).length
      await Promise.all([1, 2, 3, 4].map((n) => executor.submit(size, n)))
      const [bytes, text] = [new Uint8Array(900 * MB), 'é'.repeat(400 * MB)]
      // Makes it flat, which is the engine's own affair.
      text.indexOf('a')
      // Whatever is refused, the engine has 300 MB left for itself.
      await executor.submit(starve, Uint32Array.of(700 * MB))
      const code = (error: unknown): unknown => (error as { code?: string } | null)?.code ?? (error as Error | null)?.name
      const tried = (submit: () => { exception(ms: number): Promise<unknown> }): Promise<unknown> => {
        try {
          return submit().exception(20_000).then(code)
        } catch (error) {
          return Promise.resolve(code(error))
        }
      }
      const seen = [await tried(() => executor.submit(native.crc32, bytes))]
      seen.push(await tried(() => executor.submit(native.crc32, text)))
      seen.push(await tried(() => executor.submit((all: Uint8Array) => all.length, bytes)))
      // Delivered together, while this thread is busy.
      const failing = executor.submit(large, Uint32Array.of(400 * MB))
      const healthy = executor.submit(native.sha256, 'abc')
      const deadline = Date.now() + 20_000
      while (!(failing.done() && healthy.done()) && Date.now() < deadline);
      seen.push(await tried(() => failing), (await healthy.result(20_000)).length)
      const again = executor.submit(large, Uint32Array.of(400 * MB))
      try {
        again.resultSync(20_000)
      } catch (error) {
        seen.push(code(error))
      }
      seen.push(await tried(() => executor.submit((n: number) => new Uint8Array(n), 400 * MB)))
      seen.push(await executor.submit(size, 5).result(20_000))
      await executor.shutdown()
      // Nor has it cost a worker.
      seen.push(exits.every((code) => code === 0))
      return seen
    },
    [path],
  )
  const none = 'ERR_MEMORY_ALLOCATION_FAILED'
  t.deepEqual({ ...cleanEnd(end), errors: '' }, ended([none, none, 'RangeError', none, 32, none, none, 5, true]), end.errors)
})
