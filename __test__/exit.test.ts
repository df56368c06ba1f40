import test from 'ava'
import { inChild } from './child.ts'
import type { ChildEnd } from './child.ts'
import { behaviours } from './executors.ts'

const behaviour = behaviours(test)

const workUrl = new URL('./fixtures/work.mjs', import.meta.url).href

/** What a process may take from its last line to its end. */
const EXIT_LIMIT = 5_000

/** Says how the child ended; the time between the line `leaving` and the end is judged apart. */
function summary(end: ChildEnd<unknown>): { code: number | null; signal: string | null; isHung: boolean } {
  return { code: end.code, signal: end.signal, isHung: end.isHung }
}

/** How long the child lived after it printed its clock. */
function lingered(end: ChildEnd<unknown>): number {
  const left = Number(/leaving (\d+)/.exec(end.output)?.[1])
  return Number.isNaN(left) ? Infinity : end.endedAt - left
}

behaviour('an idle executor does not keep the process alive', async (t, { inChild }) => {
  const end = await inChild(async ({ create, native }) => {
    const executor = create({ maxWorkers: 2, minWorkers: 1 })
    await executor.submit((a: number, b: number) => a + b, 1, 2)
    await executor.submit(native.countPrimes, 100)
    void create({ maxWorkers: 2, minWorkers: 2 })
    void create(3)
    return 'done'
  }, [])
  t.deepEqual(
    { ...summary(end), value: end.value, errors: end.errors },
    { code: 0, signal: null, isHung: false, value: 'done', errors: '' },
  )
})

behaviour('an unfinished future of an executor keeps the process alive until it is delivered', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create, moduleTasks, native }, url: string) => {
      const executor = create(2)
      const { addLater } = moduleTasks<{ addLater(a: number, b: number, ms: number): Promise<number> }>(url)
      executor.submit(addLater, 1, 2, 400).addDoneCallback((future) => void future.result().then((value) => console.log(`task ${value}`)))
      executor
        .submit(native.countPrimes, 1_000_000)
        .addDoneCallback((future) => void future.result().then((value) => console.log(`native ${value}`)))
    },
    [workUrl],
  )
  t.deepEqual(
    { ...summary(end), lines: end.output.split('\n').sort() },
    { code: 0, signal: null, isHung: false, lines: ['native 78498', 'task 3'] },
  )
})

behaviour('after shutdown({ wait: false }) the process stays until the accepted tasks have run', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create, moduleTasks }, url: string) => {
      const executor = create(1)
      const { addLater } = moduleTasks<{ addLater(a: number, b: number, ms: number): Promise<number> }>(url)
      for (const n of [1, 2, 3])
        executor.submit(addLater, n, n, 100).addDoneCallback((future) => void future.result().then((value) => console.log(value)))
      void executor.shutdown({ wait: false })
    },
    [workUrl],
  )
  t.deepEqual({ ...summary(end), output: end.output }, { code: 0, signal: null, isHung: false, output: '2\n4\n6' })
})

test('a result(ms) that waits keeps the process alive, a hand-made pending future alone does not', async (t) => {
  const waiting = await inChild(async ({ Future }) => {
    void new Future().result(300).catch((error: Error) => console.log(error.name))
  }, [])
  t.deepEqual({ ...summary(waiting), output: waiting.output }, { code: 0, signal: null, isHung: false, output: 'TimeoutError' })
  const idle = await inChild(async ({ Future }) => {
    void new Future().result()
  }, [])
  t.deepEqual(summary(idle), { code: 0, signal: null, isHung: false })
})

behaviour('a worker that starts for nobody does not keep the process alive', async (t, { inChild }) => {
  const end = await inChild(async ({ create }) => {
    const executor = create(1)
    executor.submit(() => 1).cancel()
  }, [])
  t.deepEqual(summary(end), { code: 0, signal: null, isHung: false })
})

const states: [what: string, tasks: string[]][] = [
  ['that have not started', ['none']],
  ['that are starting', ['booting']],
  ['that are idle', ['idle']],
  ['that spin', ['spin', 'spin']],
  ['that await', ['never', 'never']],
  ['that block in Atomics.wait', ['atomics', 'atomics']],
  ['that run native tasks', ['native', 'native']],
  ['with a queue behind them', ['spin', 'native', 'spin', 'native', 'never']],
  ['whose task has just been cancelled', ['cancelled']],
  ['that are stuck in a native call', ['stuck']],
]

type Ending =
  'process.exit(7)' | 'an uncaught exception' | 'the natural end with exitCode 5' | 'an unhandled rejection' | 'process.reallyExit'

const endings: [ending: Ending, code: number][] = [
  ['process.exit(7)', 7],
  ['an uncaught exception', 1],
  ['an unhandled rejection', 1],
]

for (const [what, kinds] of states) {
  for (const [ending, code] of endings) {
    behaviour(`${ending} in the main thread ends the process promptly, with its code, with workers ${what}`, async (t, { inChild }) => {
      const end = await inChild(
        async ({ create, moduleTasks, native }, url: string, kinds: string[], ending: string) => {
          const executor = create(2)
          const work = moduleTasks<Record<string, (...args: unknown[]) => unknown>>(url)
          const submit: Record<string, () => unknown> = {
            none: () => undefined,
            booting: () => executor.submit(() => 1),
            idle: () => undefined,
            spin: () => executor.submit(work['spin']!),
            never: () => executor.submit(work['never']!),
            atomics: () => executor.submit(() => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)),
            native: () =>
              executor.submit(native.matmul, new Float64Array(9e6), new Float64Array(9e6), {
                m: 3_000,
                k: 3_000,
                n: 3_000,
              }),
            cancelled: () => {
              const future = executor.submit(work['spin']!)
              setTimeout(() => future.cancel({ interrupt: true }), 290)
            },
            stuck: () =>
              executor.with({ timeout: 50 }).submit(async () => {
                const { execSync } = await import('node:child_process')
                execSync('sleep 15', { stdio: 'ignore' })
              }),
          }
          if (!['none', 'booting'].includes(kinds[0]!)) await executor.submit(work['add']!, 1, 2)
          for (const kind of kinds) submit[kind]!()
          if (kinds[0] !== 'booting') await new Promise((resolve) => setTimeout(resolve, 300))
          process.on('exit', () => console.log(`leaving ${Date.now()}`))
          if (ending === 'process.exit(7)') process.exit(7)
          if (ending === 'an uncaught exception') {
            setTimeout(() => {
              throw new Error('the end')
            })
          } else void Promise.reject(new Error('the end'))
          await new Promise(() => {})
        },
        [workUrl, kinds, ending] as [string, string[], string],
      )
      t.deepEqual(summary(end), { code, signal: null, isHung: false }, end.errors)
      t.true(lingered(end) < EXIT_LIMIT, `lived on for ${lingered(end)} ms`)
    })
  }
}

behaviour('what tasks print comes in order and to the end, also when the program ends by itself at once', async (t, { inChild }) => {
  const end = await inChild(async ({ create }) => {
    const executor = create(2)
    await executor.submit(() => {
      for (let line = 0; line < 2_000; line++) console.log(`line ${line}`)
      process.stdout.write('raw\n')
      for (let line = 0; line < 20; line++) console.error(`error ${line}`)
    })
  }, [])
  const lines = [...Array.from({ length: 2_000 }, (_, line) => `line ${line}`), 'raw']
  const errors = Array.from({ length: 20 }, (_, line) => `error ${line}\n`)
  t.deepEqual(
    { ...summary(end), output: end.output, errors: end.errors },
    { code: 0, signal: null, isHung: false, output: lines.join('\n'), errors: errors.join('') },
  )
})

behaviour('what tasks of a user’s own Worker print, and tasks of a beforeExit listener, comes as well', async (t, { inChild, name }) => {
  const inWorker = await inChild(
    async ({}, url: string, name: string) => {
      const { Worker } = await import('node:worker_threads')
      void new Worker(
        `import(${JSON.stringify(url)}).then((api) =>
          new api.${name}(1).submit(() => { for (const line of 'abcd') console.log(line) }))`,
        { eval: true },
      )
    },
    [import.meta.resolve('concurrent-futures'), name],
  )
  t.deepEqual({ ...summary(inWorker), output: inWorker.output }, { code: 0, signal: null, isHung: false, output: 'a\nb\nc\nd' })
  const later = await inChild(async ({ create }) => {
    const executor = create(1)
    const print = (name: string): void => {
      for (const line of '12') console.log(name + line)
    }
    process.once('beforeExit', () => void executor.submit(print, 'b'))
    await executor.submit(print, 'a')
  }, [])
  t.deepEqual({ ...summary(later), output: later.output }, { code: 0, signal: null, isHung: false, output: 'a1\na2\nb1\nb2' })
})

behaviour('listeners of beforeExit are called once, after the output, and again after work of their own', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create }, rounds: number[]) => {
      const executor = create(2)
      const print = (text: string): void => console.log(text)
      let calls = 0
      for (const listener of ['first', 'second']) {
        process.on('beforeExit', (code) => console.log(`${listener} ${code}`))
      }
      process.on('beforeExit', () => {
        const round = rounds[calls++]
        if (round === undefined) return
        // Work that prints nothing, and work whose output has to come first.
        if (round === 1) setTimeout(() => console.log('timer'), 5)
        else if (round === 2) void executor.submit(print, 'task')
      })
      process.exitCode = 3
      await executor.submit(print, 'printed')
    },
    [[1, 2, 1]],
  )
  const lines = ['printed', 'first 3', 'second 3', 'timer', 'first 3', 'second 3', 'task', 'first 3', 'second 3']
  t.deepEqual(end.output.split('\n'), [...lines, 'timer', 'first 3', 'second 3'])
  t.deepEqual(summary(end), { code: 3, signal: null, isHung: false })
})

behaviour('a user’s own Worker with an executor emits beforeExit once', async (t, { inChild, name }) => {
  const end = await inChild(
    async ({}, url: string, name: string) => {
      const { Worker } = await import('node:worker_threads')
      void new Worker(
        // What a worker prints in such a listener is work: it would be called again for ever.
        `let calls = 0
         process.on('beforeExit', () => calls++)
         process.on('exit', () => console.log(calls))
         import(${JSON.stringify(url)}).then((api) => new api.${name}(1).submit(() => console.log('printed')))`,
        { eval: true },
      )
    },
    [import.meta.resolve('concurrent-futures'), name],
  )
  t.deepEqual({ ...summary(end), output: end.output }, { code: 0, signal: null, isHung: false, output: 'printed\n1' })
})

behaviour('output is not waited for where there is none, nor for long where a worker is stuck', async (t, { inChild }) => {
  const prompt = await inChild(async ({ create }) => {
    const executor = create({ maxWorkers: 2, minWorkers: 2 })
    await Promise.all([1, 2].map((n) => executor.submit((n: number) => n, n)))
    const start = performance.now()
    // Where there is some, it is waited for up to a second.
    process.on('exit', () => console.log(performance.now() - start < 900))
  }, [])
  t.deepEqual({ ...summary(prompt), output: prompt.output }, { code: 0, signal: null, isHung: false, output: 'true' })
  const stuck = await inChild(async ({ create }) => {
    const executor = create(1)
    await executor.submit(() => {
      setImmediate(() => {
        for (;;);
      })
    })
    await new Promise((resolve) => setTimeout(resolve, 100))
    console.log(`leaving ${Date.now()}`)
  }, [])
  t.deepEqual(summary(stuck), { code: 0, signal: null, isHung: false })
  t.true(lingered(stuck) < EXIT_LIMIT, `${lingered(stuck)} ms`)
})

behaviour('process.exitCode set by hand is the code of a natural end', async (t, { inChild }) => {
  const end = await inChild(async ({ create }) => {
    const executor = create(2)
    await executor.submit(() => 1)
    process.exitCode = 5
  }, [])
  t.deepEqual(summary(end), { code: 5, signal: null, isHung: false })
})

behaviour('an abandoned worker does not hold up a natural end', async (t, { inChild }) => {
  const end = await inChild(async ({ create }) => {
    const executor = create(1)
    await executor
      .with({ timeout: 50 })
      .submit(async () => {
        const { execSync } = await import('node:child_process')
        execSync('sleep 15', { stdio: 'ignore' })
      })
      .exception(8_000)
    await executor.submit(() => 1).result(8_000)
    process.on('exit', () => console.log(`leaving ${Date.now()}`))
    process.exitCode = 4
  }, [])
  t.deepEqual(summary(end), { code: 4, signal: null, isHung: false }, end.errors)
  t.true(end.lived < 13_000, `lived ${end.lived} ms`)
})

behaviour('an executor in a user’s own Worker works, and ends with the Worker', async (t, { inChild, name }) => {
  const end = await inChild(
    async ({}, url: string, executor: string) => {
      const { Worker } = await import('node:worker_threads')
      const lines: unknown[] = []
      for (const ending of ['natural', 'exit', 'terminate']) {
        const worker = new Worker(new URL('own-worker.mjs', url), { workerData: { ending, executor } })
        worker.on('message', (message) => {
          lines.push(message)
          if (ending === 'terminate') void worker.terminate()
        })
        const code = await new Promise((resolve) => worker.on('exit', resolve))
        lines.push(code)
      }
      return lines
    },
    [workUrl, name],
  )
  t.deepEqual({ ...summary(end), value: end.value }, { code: 0, signal: null, isHung: false, value: [3, 0, 3, 6, 3, 1] }, end.errors)
})

behaviour('an uncaught exception in a done callback ends the process like any other', async (t, { inChild }) => {
  const end = await inChild(async ({ create }) => {
    const executor = create(1)
    await executor.submit(() => 1)
    void executor
      .submit(() => 2)
      .result()
      .then(() => {
        throw new Error('in a continuation')
      })
  }, [])
  t.deepEqual(summary(end), { code: 1, signal: null, isHung: false })
  t.regex(end.errors, /in a continuation/)
})

behaviour('signals end a process with busy workers', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create, moduleTasks }, url: string) => {
      const executor = create(2)
      const { spin } = moduleTasks<{ spin(): void }>(url)
      executor.submit(spin)
      await new Promise((resolve) => setTimeout(resolve, 300))
      process.kill(process.pid, 'SIGTERM')
      await new Promise(() => {})
    },
    [workUrl],
  )
  t.deepEqual(summary(end), { code: null, signal: 'SIGTERM', isHung: false })
})

for (const where of ['an initializer', 'a module']) {
  behaviour(`process.exit() does not wait for ${where} that is stuck`, async (t, { inChild }) => {
    const end = await inChild(
      async ({ create, moduleTasks }, url: string, where: string) => {
        const isInitializer = where === 'an initializer'
        const { stuck } = moduleTasks<{ stuck(): void }>(url.replace('loads-stuck', 'stuck'))
        const { any } = moduleTasks<{ any(): void }>(url)
        const executor = create({ maxWorkers: 1, ...(isInitializer ? { initializer: stuck } : {}) })
        executor.submit(isInitializer ? () => 1 : any)
        await new Promise((resolve) => setTimeout(resolve, 1_000))
        console.log(`leaving ${Date.now()}`)
        process.exit(3)
      },
      [new URL('./fixtures/loads-stuck.mjs', import.meta.url).href, where],
    )
    t.deepEqual(summary(end), { code: 3, signal: null, isHung: false })
    t.true(lingered(end) < EXIT_LIMIT, `${lingered(end)} ms`)
  })
}

// From here on: what is a thread pool's alone.

for (const stuck of ['running', 'abandoned']) {
  test(`process.exit() of the main thread ends the process although a worker of another isolate’s executor is stuck: ${stuck}`, async (t) => {
    const end = await inChild(
      async ({}, url: string, ending: string) => {
        const { Worker } = await import('node:worker_threads')
        const worker = new Worker(new URL('own-worker.mjs', url), { workerData: { ending, executor: 'ThreadPoolExecutor' } })
        await new Promise<void>((resolve) => worker.on('message', (message) => message === 'stuck' && resolve()))
        console.log(`leaving ${Date.now()}`)
        process.exit(3)
      },
      [workUrl, stuck],
    )
    t.deepEqual(summary(end), { code: 3, signal: null, isHung: false }, end.errors)
    t.true(lingered(end) < EXIT_LIMIT, `${lingered(end)} ms`)
  })
}
