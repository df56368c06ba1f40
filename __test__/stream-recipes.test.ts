/** The recipes of docs/streams.md. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gunzipSync } from 'node:zlib'
import ava from 'ava'
import { moduleTasks } from 'concurrent-futures'
import type { Executor, TaskStream } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import { SOON } from './limits.ts'

const behaviour = behaviours(ava.serial)

const recipes = moduleTasks<typeof import('./fixtures/recipes-streams.mjs')>(new URL('./fixtures/recipes-streams.mjs', import.meta.url))

behaviour('Readable.from reads a stream, and destroying it ends the stream', async (t, { shared }) => {
  const stream = shared(2).stream(recipes.report, 1_000_000)
  const readable = Readable.from(stream)
  const [line] = await once(readable, 'data')
  t.is(line, 'line 0\n')
  readable.destroy()
  await once(readable, 'close')
  t.true(stream.future.cancelled())
})

behaviour('a stream goes into a response by pipeline, and a client that leaves ends it', async (t, { shared }) => {
  const seen: TaskStream<string, unknown>[] = []
  const server = createServer((request, response) => {
    const stream = shared(2)
      .with({ bufferSize: 64 })
      .stream(recipes.report, Number(request.url?.slice(1)))
    seen.push(stream)
    pipeline(Readable.from(stream), response).catch(() => {})
  })
  server.listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const whole = await (await fetch(`http://127.0.0.1:${port}/2000`)).text()
  t.is(whole, Array.from({ length: 2000 }, (_, n) => `line ${n}\n`).join(''))
  const leaving = new AbortController()
  const response = await fetch(`http://127.0.0.1:${port}/1000000000`, { signal: leaving.signal })
  await response.body!.getReader().read()
  leaving.abort()
  await t.throwsAsync(seen[1]!.future.result(SOON), { code: 'ERR_FUTURE_CANCELLED' })
  server.closeAllConnections()
  server.close()
})

behaviour('CSV is parsed row by row', async (t, { shared }) => {
  const lines = Array.from({ length: 500 }, (_, n) => `${n},"name ""${n}"", and more",\n`)
  const bytes = new TextEncoder().encode(`id,name,rest\n${lines.join('')}`)
  const rows = []
  for await (const row of shared(2).with({ bufferSize: 64 }).stream(recipes.parseCsv, bytes)) rows.push(row)
  t.is(rows.length, 500)
  t.deepEqual(rows[7], { id: '7', name: 'name "7", and more', rest: '' })
})

behaviour('NDJSON is parsed value by value; a line that is none is the error of its place', async (t, { shared }) => {
  const text = Array.from({ length: 100 }, (_, n) => JSON.stringify({ n, list: [n, n] })).join('\n')
  const values = shared(2).stream(recipes.parseNdjson, Buffer.from(text))
  let count = 0
  for await (const value of values) t.deepEqual(value, { n: count, list: [count, count++] })
  t.is(await values.future.result(SOON), 100)
  const broken = shared(2).stream(recipes.parseNdjson, Buffer.from('1\n2\nthree\n'))
  const seen: unknown[] = []
  await t.throwsAsync(
    async () => {
      for await (const value of broken) seen.push(value)
    },
    { instanceOf: SyntaxError },
  )
  t.deepEqual(seen, [1, 2])
})

behaviour('gzip comes by pieces from a function that returns a stream of Node', async (t, { shared }) => {
  const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, n) => (n * n) % 251))
  const pieces: Uint8Array[] = []
  for await (const piece of shared(2).stream(recipes.gzipped, bytes)) pieces.push(piece as Uint8Array)
  t.true(pieces.length > 1, `${pieces.length} pieces`)
  t.deepEqual(gunzipSync(Buffer.concat(pieces)), bytes)
})

/** Never called: what the compiler says of it is the test. */
export function typesOfStreams(executor: Executor): void {
  const one: TaskStream<number, string> = executor.stream(function* (n: number): Generator<number, string> {
    yield n
    return ''
  }, 1)
  const two: TaskStream<string, void> = executor.stream(async function* () {
    yield Promise.resolve('a')
  })
  const three: AsyncIterableIterator<number> = executor.stream((n: number) => [n], 1)
  const four: AsyncIterableIterator<string> = executor.stream(async (text: string) => text.split(','), 'a,b')
  // @ts-expect-error a number is no string
  executor.stream((text: string) => [text], 1)
  // @ts-expect-error nothing to iterate over
  executor.stream(() => 5)
  // @ts-expect-error it gives numbers
  const five: TaskStream<string, unknown> = executor.stream(() => [1])
  const end: Promise<string> = one.future.result()
  void [two, three, four, five, end]
}
