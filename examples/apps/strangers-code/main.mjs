// Somebody else's code in children that may do nothing: what it tries, and what its caller sees.
//   node examples/apps/strangers-code/main.mjs
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { moduleTasks, ProcessPoolExecutor } from 'concurrent-futures'

const folder = new URL('./strangers/', import.meta.url)
const strangers = moduleTasks(new URL('score.mjs', folder)) // it is not imported here

/** The score that a stranger gives. Whatever it does instead, this ends, and in an error. */
async function scoreBy(name, ...args) {
  const executor = new ProcessPoolExecutor({
    maxWorkers: 1, // a pool for each stranger: a task reaches its own executor
    maxTasksPerWorker: 1, // no call finds what another has left behind
    maxQueue: 10, // also for what the stranger submits
    env: {}, // no tokens, no NODE_OPTIONS
    execArgv: ['--max-old-space-size=64'], // a heap of 64 MB, and none of this process's flags
    permission: { fsRead: [fileURLToPath(folder)] }, // its own code, and nothing else
  })
  try {
    const future = executor.with({ timeout: 2_000, queueTimeout: 10_000 }).submit(strangers[name], ...args)
    const score = await future.result(20_000)
    if (!Number.isFinite(score)) throw new TypeError('the score is no number')
    return score
  } finally {
    await executor.terminateWorkers()
  }
}

/** An error in a line: what a caller can tell it by. */
function inShort({ name, code, phase, exitCode, signal, cause }) {
  const exit = exitCode !== undefined && `exit code ${exitCode}`
  const how = [phase && `phase ${phase}`, exit, signal, cause?.code ?? cause?.message]
  return [name, code, ...how].filter(Boolean).join(', ')
}

process.env.API_TOKEN = 'secret'
const own = await mkdtemp(join(tmpdir(), 'strangers-'))
const secret = join(own, 'secret')
await writeFile(secret, 'secret')
const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
await once(server, 'listening')

const attempts = [
  ['reads a file', 'readsFiles', secret],
  ['writes a file', 'writesFiles', join(own, 'new')],
  ['reads an API token in the environment', 'readsSecrets', 'API_TOKEN'],
  ['starts a program', 'startsPrograms'],
  ['starts a thread', 'startsThreads'],
  ['loads an addon', 'loadsAddons', '/lib/some.node'],
  ['never ends', 'neverEnds'],
  ['fills its heap', 'eatsMemory'],
  ['ends its process', 'exits'],
  ['crashes its process', 'crashes'],
  ['throws where nobody catches', 'strays'],
  ['gives something else than a score', 'lies'],
  ['connects to a server', 'connects', server.address().port],
  ['sends a signal to this process', 'sendsSignals'],
  ['fills buffers of 200 MB, outside of the heap', 'eatsBuffers', 200],
  ...(isBuiltin('node:sqlite') ? [['makes a database', 'opensDatabases', join(own, 'database')]] : []),
]

console.log(`Node.js ${process.version}: an honest stranger gives ${await scoreBy('honest', 'to be or not to be')}`)
const done = []
for (const [tries, name, ...args] of attempts) {
  try {
    await scoreBy(name, ...args)
    done.push(tries)
  } catch (error) {
    console.log(`  ${tries.padEnd(40)}${inShort(error)}`)
  }
}
console.log('and nothing keeps it from what it does here:')
for (const tries of done) console.log(`  ${tries}`)

server.close()
await rm(own, { recursive: true })
