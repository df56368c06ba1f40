import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { makeService } from './service.mjs'

const DEADLINE = 600
const LIMIT = 30_000
const app = await makeService({ maxWorkers: 1, maxQueue: 10, deadline: LIMIT })
const strict = await makeService({ maxWorkers: 1, deadline: DEADLINE })
const [url, strictUrl] = await Promise.all([app.listen({ port: 0 }), strict.listen({ port: 0 })])
const { executor } = app
after(() => Promise.all([app.close(), strict.close()]))

const get = (path, options) => fetch(`${url}${path}`, options)

async function until(what, isSo) {
  for (const end = Date.now() + LIMIT; !isSo(); await sleep(2)) if (Date.now() > end) assert.fail(what)
}

test('beyond the queue requests are 503 at once, and those within it are answered', async () => {
  const requests = Array.from({ length: 60 }, () => get('/report/20'))
  const responses = await Promise.all(requests)
  const count = (code) => responses.filter(({ status }) => status === code).length
  assert.equal(count(200) + count(503), 60)
  assert.ok(count(200) >= 11, 'one that runs, and ten that wait')
  assert.ok(count(503) > 0)
  for (const response of responses) {
    assert.equal(response.headers.get('retry-after'), response.status === 503 ? '1' : null)
    assert.equal(await response.text(), response.status === 503 ? '{"error":"busy"}' : 'worked for 20 ms\n')
  }
  assert.equal((await get('/report/1')).status, 200)
})

test('under load the event loop is free: what needs no worker is answered between', async () => {
  let isOver = false
  const load = Promise.all(
    Array.from({ length: 6 }, async () => {
      const codes = []
      while (!isOver) codes.push((await get('/report/100')).status)
      return codes
    }),
  )
  await until('it is busy', () => executor.stats().queued > 2)
  const before = executor.stats().completed
  for (let at = 0; at < 10; at++) {
    const { running, broken } = await (await get('/health')).json()
    assert.ok(running <= 1 && !broken)
  }
  const meanwhile = executor.stats().completed - before
  assert.ok(meanwhile < 10, `as many as 10 of these, ${meanwhile} of those`)
  isOver = true
  assert.deepEqual([...new Set((await load).flat())], [200])
})

test('what takes longer than the deadline is 504, and its worker is free again', async () => {
  const start = performance.now()
  const response = await fetch(`${strictUrl}/report/60000`)
  assert.equal(response.status, 504)
  assert.ok(performance.now() - start >= DEADLINE - 5)
  assert.equal((await fetch(`${strictUrl}/report/1`)).status, 200)
})

test('the deadline counts what was waited', async () => {
  const [first, second] = await Promise.all([1, 2].map(() => fetch(`${strictUrl}/report/350`)))
  assert.deepEqual([first.status, second.status].sort(), [200, 504])
})

test('a client that leaves takes its task with it, whether it runs or waits', async () => {
  const { cancelled } = executor.stats()
  const leaving = new AbortController()
  const gone = ['/report/60000', '/report/1'].map((path) => get(path, { signal: leaving.signal }).catch(({ name }) => name))
  await until('one runs and one waits', () => executor.stats().running === 1 && executor.stats().queued === 1)
  leaving.abort()
  assert.deepEqual(await Promise.all(gone), ['AbortError', 'AbortError'])
  await until('both are cancelled', () => executor.stats().cancelled === cancelled + 2)
  assert.equal((await get('/report/1')).status, 200)
})

test('a client that has sent a body and waits has not left', async () => {
  const body = JSON.stringify({ text: 'x'.repeat(100_000) })
  const running = get('/report/200')
  await until('it is busy', () => executor.stats().running === 1)
  const response = await get('/length', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  assert.deepEqual([response.status, await response.text()], [200, String(body.length)])
  await running
})

test('after SIGTERM what was accepted is answered, and the process ends by itself', async () => {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./fastify.mjs', import.meta.url))], { timeout: LIMIT })
  const exit = once(child, 'exit')
  const own = String((await once(child.stdout, 'data'))[0]).trim()
  const answers = [fetch(`${own}/report/500`), fetch(`${own}/report/500`), fetch(`${own}/report/100`)]
  let running = 0
  while (running < 2) ({ running } = await (await fetch(`${own}/health`)).json())
  child.kill('SIGTERM')
  for (const answer of await Promise.all(answers)) assert.match(await answer.text(), /^worked for/)
  assert.deepEqual(await exit, [0, null])
  await assert.rejects(fetch(`${own}/health`), TypeError)
})
