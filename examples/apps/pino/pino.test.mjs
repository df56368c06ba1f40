import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const LIMIT = 60_000
const folder = mkdtempSync(join(tmpdir(), 'pino-'))
after(() => rmSync(folder, { recursive: true, force: true }))

async function run(program, ...args) {
  const path = fileURLToPath(new URL(program, import.meta.url))
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' }
  const child = spawn(process.execPath, [path, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'], timeout: LIMIT })
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  assert.equal(code, 0)
  return output
}

test('lines of tasks and of executors have their names', async () => {
  const lines = (await run('./pino.mjs'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const like = (wanted) => {
    const isLike = (line) => Object.entries(wanted).every(([key, value]) => line[key] === value)
    return lines.find(isLike) ?? assert.fail(`no ${JSON.stringify(wanted)} in ${JSON.stringify(lines, null, 2)}`)
  }
  const { taskId } = like({ msg: 'resizing', executor: 'images', task: 'resize', width: 800 })
  assert.equal(typeof taskId, 'number')
  assert.equal(like({ msg: 'done', width: 400 }).task, undefined)
  const own = like({ msg: 'resizing', task: 'poster' })
  const failed = like({ msg: 'a task has failed', executor: 'images', task: 'poster', taskId: own.taskId, level: 40 })
  assert.equal(failed.err.type, 'RangeError')
  assert.match(failed.err.stack, /resize/)
  const late = like({ msg: 'a task has failed', task: 'spins' })
  assert.equal(late.err.code, 'ERR_FUTURE_TIMEOUT')
  const { threadId } = like({ event: 'start', executor: 'images' })
  like({ event: 'interrupt', threadId, taskId: late.taskId })
})

/** How many of the seven lines are there when the program has ended. */
async function written(kind, how, end) {
  const file = join(folder, `${kind}-${how}-${end}.log`)
  await run('./ending.mjs', kind, how, end, file)
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').filter(Boolean).length : 0
}

describe('what tasks have logged when the program is over', { concurrency: 2 }, () => {
  for (const [title, kind, how, end, lines] of [
    ['a synchronous writer loses nothing', 'thread', 'synchronous', 'naturally', 7],
    ['an asynchronous writer, the default, loses at a natural end what is on its way', 'thread', 'asynchronous', 'busy', 0],
    ['an asynchronous writer loses it although it was flushed', 'thread', 'asynchronous', 'busy-flush', 0],
    ['an asynchronous writer loses nothing if shutdown() is awaited', 'thread', 'asynchronous', 'shutdown', 7],
    ['a buffer is lost at a natural end', 'thread', 'buffered', 'naturally', 0],
    ['a buffer is lost after shutdown() too', 'thread', 'buffered', 'shutdown', 0],
    ['a buffer that is flushed by a broadcast is kept', 'thread', 'buffered', 'flush', 7],
    ['a transport loses its lines at a natural end', 'thread', 'transport', 'naturally', 0],
    ['a transport keeps its lines if shutdown() is awaited', 'thread', 'transport', 'shutdown', 7],
    ['a transport that is flushed by a broadcast keeps them', 'thread', 'transport', 'flush-shutdown', 7],
    ['an asynchronous writer in a child process loses nothing', 'process', 'asynchronous', 'naturally', 7],
    ['a buffer in a child process is flushed at its end by pino', 'process', 'buffered', 'naturally', 7],
    ['a transport in a child process keeps its lines', 'process', 'transport', 'naturally', 7],
  ]) {
    test(title, async () => assert.equal(await written(kind, how, end), lines))
  }
})
