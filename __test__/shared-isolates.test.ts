/** Shared values of several isolates, and of several copies of the package. */
import { cpSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import ava from 'ava'
import { cleanEnd, ended } from './child.ts'
import { behaviours } from './executors.ts'
import type { Pool } from './executors.ts'
import { Folder, until } from './gate.ts'

const test = ava.serial
const behaviour = behaviours(test)
const packageUrl = import.meta.resolve('concurrent-futures')
const root = fileURLToPath(new URL('..', import.meta.url))

/** A Worker that shares a value, has a task get it, and shares one that it never releases. */
const ENTRY = `
const { parentPort, workerData } = require('node:worker_threads')
void (async () => {
  const { share, [workerData.name]: Executor } = await import(workerData.packageUrl)
  const executor = new Executor(1)
  globalThis.kept = share(new Uint8Array(1_000))
  const own = share({ n: 1 })
  const n = await executor.submit((value) => value.n, own).result(20_000)
  const { values } = executor.stats().shared
  own.release()
  await executor.shutdown()
  parentPort.postMessage([n, values])
})()`

behaviour('what an isolate has shared goes with it', async (t, { create, name }) => {
  await using executor = create(1)
  const workerData = { packageUrl, name }
  const worker = new Worker(ENTRY, { eval: true, execArgv: [], workerData })
  const message = new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  const exit = new Promise((resolve) => worker.once('exit', resolve))
  t.deepEqual(await message, [1, 2])
  await exit
  await until(() => executor.stats().shared.values === 0, 'the isolate has let them go')
})

/** A Worker that ends at once after it has submitted a task with a shared value. */
const ENDING = `
const { workerData } = require('node:worker_threads')
void (async () => {
  const { share, moduleTasks, [workerData.name]: Executor } = await import(workerData.packageUrl)
  const tasks = moduleTasks(workerData.url)
  const executor = new Executor(1)
  executor.submit(tasks.mark, share({ n: 1 }))
  process.exit(0)
})()`

behaviour('an isolate that ends with tasks under way leaves no shared value behind', async (t, { create, name }) => {
  await using executor = create(1)
  const url = new URL('./fixtures/shared.mjs', import.meta.url).href
  const workerData = { packageUrl, name, url }
  const worker = new Worker(ENDING, { eval: true, execArgv: [], workerData })
  await new Promise((resolve) => worker.once('exit', resolve))
  await until(() => executor.stats().shared.values === 0, 'nothing is left')
  t.pass()
})

/** A second copy of the package. */
function copyTo(target: string): string {
  mkdirSync(target)
  const names = ['dist', 'index.js', 'package.json', ...readdirSync(root).filter((name) => name.endsWith('.node'))]
  for (const name of names) cpSync(join(root, name), join(target, name), { recursive: true })
  return pathToFileURL(join(target, 'dist', 'index.js')).href
}

behaviour('a Shared of another copy of the package is refused, and each copy counts its own', async (t, { inChild, name }) => {
  const end = await inChild(
    async (first, copyUrl: string, name: Pool['name']) => {
      const second = (await import(copyUrl)) as typeof first
      const executors = [new first[name](1), new second[name](1)]
      const foreign = second.share({ n: 1 })
      const own = first.share({ n: 2 })
      const values: unknown[] = executors.map((executor) => executor.stats().shared.values)
      try {
        executors[0]!.submit((value) => value, foreign)
      } catch (error) {
        values.push((error as Error).name, /class Shared \(.*copy of the package/.test((error as Error).message))
      }
      values.push(await executors[0]!.submit((value) => value.n, own).result(20_000))
      for (const executor of executors) await executor.shutdown()
      return values
    },
    [copyTo(new Folder(t).file('copy')), name],
  )
  t.deepEqual(cleanEnd(end), ended([1, 1, 'DataCloneError', true, 2]))
})
