// A small client: so many connections that are kept open, each of which asks again when it has its answer.
import { once } from 'node:events'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'

/** One request and its answer. */
export async function ask(agent, base, { method = 'GET', path, json }) {
  const headers = json === undefined ? {} : { 'content-type': 'application/json' }
  const asked = request(new URL(path, base), { agent, method, headers })
  asked.end(json === undefined ? undefined : JSON.stringify(json))
  const [response] = await once(asked, 'response')
  return { status: response.statusCode, body: await text(response) }
}

/** The value below which a share of the values are. */
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
}

/**
 * Asks for `duration` ms.
 *
 * @param kinds - by name: how many connections ask for it, what, and how long each pauses after an answer
 * @returns how long it took in seconds, how many answers were not 200, and the latencies of each kind in ms
 */
export async function load(agent, base, duration, kinds) {
  const latencies = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]))
  let refused = 0
  const start = performance.now()
  async function connection(kind, { asks, pauses }) {
    while (performance.now() - start < duration) {
      const begun = performance.now()
      const { status } = await ask(agent, base, asks)
      latencies[kind].push(performance.now() - begun)
      if (status !== 200) refused++
      if (pauses > 0) await pause(pauses)
    }
  }
  const all = Object.entries(kinds).flatMap(([kind, of]) => Array.from({ length: of.connections }, () => connection(kind, of)))
  await Promise.all(all)
  return { seconds: (performance.now() - start) / 1000, refused, latencies }
}
