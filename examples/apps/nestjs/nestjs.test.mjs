import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const LIMIT = 60_000

/** The program, and where it listens. */
async function start() {
  const path = fileURLToPath(new URL('./nestjs.mjs', import.meta.url))
  const child = spawn(process.execPath, [path], { stdio: ['ignore', 'pipe', 'pipe'], timeout: LIMIT })
  let errors = ''
  child.stderr.on('data', (chunk) => (errors += chunk))
  const end = once(child, 'close').then(([code, signal]) => ({ code, signal, errors }))
  const url = await Promise.race([once(child.stdout, 'data').then(([line]) => String(line).trim()), end.then(() => assert.fail(errors))])
  const health = async () => (await fetch(`${url}/health`)).json()
  const until = async (isSo) => {
    while (!isSo(await health()));
  }
  return { child, url, end, health, until }
}

const [service, ending] = await Promise.all([start(), start()])
after(() => service.child.kill('SIGKILL'))
const get = (path, options) => fetch(`${service.url}${path}`, options)

test('a task answers a request', async () => {
  const response = await get('/report/5')
  assert.deepEqual([response.status, await response.text()], [200, 'worked for 5 ms\n'])
})

test('the filter makes 503 of a full queue, and 504 of what takes too long', async () => {
  const slow = get('/report/60000')
  await service.until(({ running }) => running === 1)
  const leaving = new AbortController()
  const waiting = Array.from({ length: 5 }, () => get('/report/1', { signal: leaving.signal }).catch(({ name }) => name))
  await service.until(({ queued }) => queued === 5)
  const refused = await get('/report/1')
  assert.deepEqual([refused.status, refused.headers.get('retry-after'), await refused.json()], [503, '1', { error: 'busy' }])
  leaving.abort()
  assert.deepEqual([...new Set(await Promise.all(waiting))], ['AbortError'])
  await service.until(({ cancelled, queued }) => cancelled === 5 && queued === 0)
  const late = await slow
  assert.deepEqual([late.status, await late.json()], [504, { error: 'it took too long' }])
  assert.equal(await (await get('/report/1')).text(), 'worked for 1 ms\n')
})

test('after SIGTERM requests under way are answered before the executor is shut down', async () => {
  const answers = [1, 2].map(() => fetch(`${ending.url}/report/300`))
  await ending.until(({ running, queued }) => running === 1 && queued === 1)
  ending.child.kill('SIGTERM')
  for (const answer of await Promise.all(answers)) assert.equal(await answer.text(), 'worked for 300 ms\n')
  // Nest sends itself the signal once its hooks are through.
  const { code, signal, errors } = await ending.end
  assert.deepEqual([code, signal, errors], [null, 'SIGTERM', ''])
})
