// A redis-server for a measurement: on a free port of this machine, with nothing on the disk.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

const answers = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

/** Ends the server when this process has ended, however that came: nobody holds its input open then. */
const GUARD = 'redis-server "$@" & cat; kill -9 $!'

/** How long it may take to answer, in ms. */
const PATIENCE = 10_000

/** Resolves with the port, and what ends it. */
export async function startRedis() {
  const { error } = spawnSync('redis-server', ['--version'])
  if (error !== undefined) throw new Error('redis-server is missing: apt-get install redis-server, or brew install redis')
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = spawn('sh', ['-c', GUARD, 'sh', ...args], { stdio: ['pipe', 'ignore', 'ignore'] })
  const end = performance.now() + PATIENCE
  while (!(await answers(port))) {
    if (performance.now() > end) throw new Error(`redis-server does not answer on port ${port}`)
    await sleep(5)
  }
  return { port, stop: () => child.stdin.end() }
}
