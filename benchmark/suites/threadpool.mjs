import { lookup } from 'node:dns/promises'
import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { ours } from '../contestants.mjs'
import { median } from '../flow.mjs'

const JOBS = 8
const file = fileURLToPath(import.meta.url)

async function time(work) {
  const begin = performance.now()
  await work()
  return performance.now() - begin
}

export default {
  title: 'A file and a name looked up while eight passwords are hashed',
  about:
    'Eight hashes are started (Argon2id with 64 MiB and 3 passes; node:crypto has scrypt with N = 2¹⁷, r = 8 instead), then fs.stat and ' +
    "dns.lookup of localhost, both of which need one of libuv's 4 threads. node:crypto and @node-rs/argon2 hash on those; ours is a pool of " +
    'as many threads as there are cores. "Alone": without the hashes. "Jobs": until all eight are done.',
  contestants: [ours, 'node:crypto', '@node-rs/argon2'],
  rows: [
    { key: 'stat', label: 'fs.stat', unit: 'ms', better: 'lower' },
    { key: 'lookup', label: 'dns.lookup', unit: 'ms', better: 'lower' },
    { key: 'alone', label: 'fs.stat alone', unit: 'ms', reference: true },
    { key: 'jobs', label: 'the eight jobs', unit: 'ms', reference: true },
  ],
  async measure({ start, quick }) {
    const { hashPassword } = await start({})
    await hashPassword()
    await lookup('localhost')
    const rounds = { stat: [], lookup: [], alone: [], jobs: [] }
    for (let round = quick ? 1 : 5; round > 0; round--) {
      rounds.alone.push(await time(() => stat(file)))
      const begin = performance.now()
      const jobs = Array.from({ length: JOBS }, () => hashPassword())
      const [statTime, lookupTime] = await Promise.all([time(() => stat(file)), time(() => lookup('localhost'))])
      rounds.stat.push(statTime)
      rounds.lookup.push(lookupTime)
      await Promise.all(jobs)
      rounds.jobs.push(performance.now() - begin)
    }
    return Object.fromEntries(Object.entries(rounds).map(([key, times]) => [key, median(times)]))
  },
}
