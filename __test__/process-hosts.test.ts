/** What a program with a process pool is run by: children work there, and inherit none of it. */
import { writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import ava from 'ava'
import { rolldown } from 'rolldown'
import { runNode } from './child.ts'
import { Folder, until } from './gate.ts'

const test = ava
const library = new URL('../dist/index.js', import.meta.url).href
const work = new URL('./fixtures/work.mjs', import.meta.url).href

/** A program that prints what a child has added up, and what that was started with. */
const program = `
  import { moduleTasks, ProcessPoolExecutor } from ${JSON.stringify(library)}
  const executor = new ProcessPoolExecutor(2)
  const { add } = moduleTasks(${JSON.stringify(work)})
  const sum = await executor.submit(add, 1, 2)
  const flags = await executor.submit(() => process.execArgv.concat(process.env.NODE_OPTIONS ?? []))
  await executor.shutdown()
  console.log('sum ' + sum + ' ' + JSON.stringify(flags))`

const asCommonJs = `(async () => {${program.replace(/import (\{.*\}) from (.*)\n/, 'const $1 = await import($2)\n')}})()`

const expected = { code: 0, output: 'sum 3 []', errors: '' }
const brief = ({ code, output, errors }: { code: number | null; output: string; errors: string }): typeof expected => ({
  code: code as number,
  output,
  errors,
})

test('a program by -e', async (t) => {
  t.deepEqual(brief(await runNode(['-e', asCommonJs])), expected)
})

test('a program by --eval and --input-type=module', async (t) => {
  t.deepEqual(brief(await runNode(['--input-type=module', '--eval', program])), expected)
  t.deepEqual(brief(await runNode(['--input-type', 'module', '-e', program])), expected)
})

test('a program by the standard input', async (t) => {
  t.deepEqual(brief(await runNode(['--input-type=module', '-'], { input: program })), expected)
})

test('a program by -p prints its value', async (t) => {
  const end = await runNode(['-p', `${asCommonJs}; 'value'`])
  const output = end.output.split('\n').sort().join(' ')
  t.deepEqual({ ...brief(end), output }, { ...expected, output: 'sum 3 [] value' })
})

test('node --test runs a file that has a pool, and its children are no test files', async (t) => {
  const file = new Folder(t).file('sum.test.mjs')
  writeFileSync(
    file,
    `import test from 'node:test'\ntest('sums', async () => {${program.replace(/import (\{.*\}) from (.*)\n/, 'const $1 = await import($2)\n')}})`,
  )
  const end = await runNode(['--test', '--test-reporter=tap', file])
  t.is(end.code, 0, end.output + end.errors)
  // Node 24 gives a test file all options of Node's, each with its default.
  t.regex(end.output, /sum 3 \[/)
  t.notRegex(end.output, /--test/)
  t.regex(end.output, /# tests 1\n(.*\n)*# pass 1\n/)
})

test('node --watch runs the program again, and its children end with each run', async (t) => {
  const folder = new Folder(t)
  const [file, pids] = [folder.file('watched.mjs'), folder.file('pids')]
  const text = (round: number): string => `
    import { appendFileSync } from 'node:fs'
    import { ProcessPoolExecutor } from ${JSON.stringify(library)}
    const executor = new ProcessPoolExecutor(1)
    const pid = await executor.submit(() => process.pid)
    appendFileSync(${JSON.stringify(pids)}, '${round} ' + pid + '\\n')
    setInterval(() => {}, 1_000)`
  writeFileSync(file, text(1))
  const { NODE_OPTIONS: _, ...env } = process.env
  const watcher = spawn(process.execPath, ['--watch', '--watch-preserve-output', file], { stdio: 'ignore', env })
  t.teardown(() => watcher.kill('SIGKILL'))
  await until(() => folder.notes(pids).length === 1, 'the first run')
  writeFileSync(file, text(2))
  await until(() => folder.notes(pids).some((line) => line.startsWith('2')), 'the second run')
  const [first, second] = ['1', '2'].map((round) =>
    Number(
      folder
        .notes(pids)
        .find((line) => line.startsWith(round))
        ?.split(' ')[1],
    ),
  )
  await until(() => !isRunning(first!), 'the first child has ended')
  watcher.kill('SIGTERM')
  await until(() => !isRunning(second!), 'the second child has ended')
  t.not(first, second)
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a child of cluster has a pool whose children are none of cluster', async (t) => {
  const file = new Folder(t).file('cluster.mjs')
  writeFileSync(
    file,
    `import cluster from 'node:cluster'
     if (cluster.isPrimary) {
       for (let n = 0; n < 2; n++) cluster.fork()
       cluster.on('exit', (worker, code) => {
         console.log('exit', code)
       })
     } else {
       const { moduleTasks, ProcessPoolExecutor } = await import(${JSON.stringify(library)})
       const executor = new ProcessPoolExecutor(1)
       const seen = await executor.submit(() => [process.env.NODE_UNIQUE_ID, process.env.NODE_CHANNEL_FD, typeof process.send])
       const isPrimary = await executor.submit(async () => (await import('node:cluster')).default.isPrimary)
       console.log(JSON.stringify([...seen, isPrimary]))
       await executor.shutdown()
       process.disconnect()
     }`,
  )
  const end = await runNode([file])
  const lines = end.output.split('\n').sort()
  const seen = '[null,null,"undefined",true]'
  t.deepEqual([lines, end.errors, end.code], [[seen, seen, 'exit 0', 'exit 0'], '', 0])
})

test('a worker thread has a pool of processes, and they end with it', async (t) => {
  const file = new Folder(t).file('worker.mjs')
  writeFileSync(
    file,
    `import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
     import { ProcessPoolExecutor } from ${JSON.stringify(library)}
     if (isMainThread) {
       for (const ending of ['natural', 'exit', 'terminate']) {
         const worker = new Worker(new URL(import.meta.url), { workerData: ending })
         const exit = new Promise((resolve) => worker.on('exit', resolve))
         const pid = await new Promise((resolve) => worker.on('message', resolve))
         if (ending === 'terminate') await worker.terminate()
         await exit
         for (let n = 0; n < 2_000; n++) {
           try { process.kill(pid, 0) } catch { console.log(ending, 'ended'); break }
           await new Promise((resolve) => setTimeout(resolve, 5))
         }
       }
     } else {
       const executor = new ProcessPoolExecutor(1)
       const pid = await executor.submit(() => process.pid)
       if (workerData !== 'natural') executor.submit(() => { for (;;); })
       parentPort.postMessage(pid)
       if (workerData === 'exit') process.exit(0)
     }`,
  )
  const end = await runNode([file])
  t.deepEqual([end.output, end.errors, end.code], ['natural ended\nexit ended\nterminate ended', '', 0])
})

test('a bundled program that leaves the package out has a process pool', async (t) => {
  const folder = new Folder(t)
  const [entry, file] = [folder.file('entry.mjs'), folder.file('bundle.mjs')]
  writeFileSync(entry, program)
  const bundle = await rolldown({ input: entry, platform: 'node', external: [library], onLog: () => {} })
  await bundle.write({ file, format: 'esm', codeSplitting: false })
  await bundle.close()
  t.deepEqual(brief(await runNode([file])), expected)
})

test('preloads, conditions and flags of the engine hold in children, those of this run do not', async (t) => {
  const folder = new Folder(t)
  const [file, preload] = [folder.file('program.mjs'), folder.file('preload.cjs')]
  writeFileSync(file, program)
  writeFileSync(preload, '')
  const end = await runNode(['--expose-gc', '--require', preload, '--no-warnings', file], {
    env: { NODE_OPTIONS: '--stack-trace-limit=5' },
  })
  const flags = ['--expose-gc', '--require', preload, '--no-warnings', '--stack-trace-limit=5']
  t.deepEqual(brief(end), { code: 0, output: `sum 3 ${JSON.stringify(flags)}`, errors: '' })
})

test("a program under --inspect: its children's debuggers take other ports", async (t) => {
  const file = new Folder(t).file('program.mjs')
  writeFileSync(file, program)
  const end = await runNode(['--inspect=0', file])
  t.is(end.output, 'sum 3 ["--inspect=0"]')
  t.is(end.code, 0)
  t.is(end.errors.match(/Debugger listening/g)?.length, 2, end.errors)
})
