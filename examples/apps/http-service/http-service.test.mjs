import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { scryptSync } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { renderReport } from './tasks.mjs'

for (const args of [[], ['--no-pool']]) {
  test(`the service answers right, and ends on SIGTERM ${args.join()}`, { timeout: 60_000 }, async () => {
    const stdio = ['ignore', 'pipe', 'inherit']
    const service = spawn(process.execPath, [`${import.meta.dirname}/service.mjs`, ...args], { stdio })
    try {
      const [base] = await once(createInterface(service.stdout), 'line')
      const headers = { 'content-type': 'application/json' }
      const post = (body) => fetch(`${base}/users`, { method: 'POST', headers, body: JSON.stringify(body) })

      const { hash } = await (await post({ password: 'correct horse' })).json()
      const [, salt, key] = hash.split('$')
      assert.equal(scryptSync('correct horse', Buffer.from(salt, 'base64'), 32).toString('base64'), key)
      assert.equal((await post({})).status, 400)

      const report = await fetch(`${base}/reports/1999`)
      assert.equal(report.headers.get('content-type'), 'text/html')
      assert.equal(await report.text(), renderReport(1999))
      assert.equal((await fetch(`${base}/reports/soon`)).status, 400)
      assert.equal(await (await fetch(`${base}/ping`)).text(), 'pong')
    } finally {
      service.kill('SIGTERM')
    }
    assert.deepEqual(await once(service, 'exit'), [0, null])
  })
}

test('under load the event loop of the service with a pool comes sooner by far', { timeout: 120_000 }, async () => {
  const args = [`${import.meta.dirname}/main.mjs`, '--seconds', '0.6']
  const { stdout } = await promisify(execFile)(process.execPath, args)
  assert.match(stdout, /on the pool +without\n/)
  assert.match(stdout, /answers other than 200 +0 +0\n/)
  const [, pool, plain] = /event loop delay p99 \/ max, ms +([\d.]+) \/ [\d.]+ +([\d.]+) \/ [\d.]+\n/.exec(stdout)
  assert.ok(pool * 3 < plain, `${pool} ms with a pool, ${plain} ms without`)
})
