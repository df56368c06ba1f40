import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { Registry } from 'prom-client'
import { register } from './metrics.mjs'
import { hashes, images, server } from './prom-client.mjs'

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (NaN|Nan|[+-]?Inf|[-+\d.e]+)$/

/** Every line of the text format, by the name of its metric; throws on one that is none. */
function parse(text) {
  const types = {}
  const samples = {}
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue
    if (line.startsWith('# TYPE ')) {
      const [, , name, type] = line.split(' ')
      assert.ok(!(name in types), `${name} is there twice`)
      types[name] = type
      continue
    }
    const [, name, labels = '', value] = LINE.exec(line) ?? assert.fail(`not a sample: ${line}`)
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key, text])
    samples[name] ??= []
    samples[name].push({ ...Object.fromEntries(pairs), value: Number(value.replace('Inf', 'Infinity')) })
  }
  return { types, samples }
}

if (!server.listening) await once(server, 'listening')
const url = `http://localhost:${server.address().port}`
const scrape = async () => parse(await (await fetch(`${url}/metrics`)).text())

after(async () => {
  server.close()
  await Promise.all([images.shutdown(), hashes.shutdown()])
})

test('what has run is in /metrics, for each executor under its name', async () => {
  for (let at = 0; at < 20; at++) assert.equal((await (await fetch(`${url}/${at}`)).text()).length, 64)
  await images.submit((ms) => new Promise((resolve) => setTimeout(resolve, ms)), 30)
  await images
    .submit(() => {
      throw new Error('no')
    })
    .exception()
  await images
    .with({ timeout: 30 })
    .submit(() => {
      for (;;);
    })
    .exception()
  const { types, samples } = await scrape()
  const of = (name, labels) => {
    const wanted = Object.entries(labels)
    const found = samples[`concurrent_futures_${name}`].filter((each) => wanted.every(([key, text]) => each[key] === text))
    assert.equal(found.length, 1, `${name} ${JSON.stringify(labels)}`)
    return found[0].value
  }
  assert.equal(of('tasks_total', { executor: 'hashes', outcome: 'completed' }), 20)
  assert.equal(of('tasks_total', { executor: 'images', outcome: 'completed' }), 1)
  assert.equal(of('tasks_total', { executor: 'images', outcome: 'failed' }), 1)
  assert.equal(of('tasks_total', { executor: 'images', outcome: 'timed_out' }), 1)
  assert.equal(of('workers_limit', { executor: 'images' }), 2)
  assert.equal(of('queued', { executor: 'images' }), 0)
  assert.equal(of('broken', { executor: 'images' }), 0)
  assert.equal(types.concurrent_futures_tasks_total, 'counter')
  assert.equal(types.concurrent_futures_workers, 'gauge')
  for (const name of ['wait_seconds', 'run_seconds']) assert.equal(types[`concurrent_futures_${name}`], 'histogram')

  for (const executor of [images, hashes]) {
    const { name, runTime } = executor.stats()
    const buckets = samples.concurrent_futures_run_seconds_bucket.filter((each) => each.executor === name)
    const bounds = buckets.map(({ le }) => Number(le.replace('+Inf', 'Infinity')))
    assert.deepEqual(
      bounds,
      bounds.toSorted((a, b) => a - b),
    )
    assert.equal(bounds.at(-1), Infinity)
    const counts = buckets.map(({ value }) => value)
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
      'they are cumulative',
    )
    assert.equal(counts.at(-1), of('run_seconds_count', { executor: name }))
    assert.equal(counts.at(-1), runTime.count)
    assert.equal(of('run_seconds_sum', { executor: name }), runTime.sum / 1e3)
  }
  const slow = samples.concurrent_futures_run_seconds_bucket.filter((each) => each.executor === 'images')
  assert.ok(slow.findLast(({ le }) => Number(le) < 0.025).value <= 1, 'only the failed one can have been so fast')
})

test('a counter is what it was when nothing has run since', async () => {
  const [first, second] = [await scrape(), await scrape()]
  const { concurrent_futures_tasks_total: total } = first.samples
  assert.deepEqual(second.samples.concurrent_futures_tasks_total, total)
})

test('a program that speaks OpenMetrics has them too', async () => {
  const registry = new Registry(Registry.OPENMETRICS_CONTENT_TYPE)
  register(registry, [images, hashes])
  const text = await registry.metrics()
  const { samples, types } = parse(text.replace(/# EOF\n$/, ''))
  assert.equal(types.concurrent_futures_tasks, 'counter')
  assert.equal(samples.concurrent_futures_tasks_total.length, 10)
})
