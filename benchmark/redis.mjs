// A redis-server for a measurement: on a free port of this machine, with nothing on the disk.
import { spawn } from 'node:child_process'
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

/** Resolves with the port, and what ends it. */
export async function startRedis() {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = spawn('redis-server', args, { stdio: 'ignore' })
  let failure
  child.once('error', (error) => (failure = error))
  while (!(await answers(port))) {
    if (failure !== undefined) throw new Error('redis-server is missing: apt-get install redis-server, or brew install redis')
    if (child.exitCode !== null) throw new Error(`redis-server has ended with ${child.exitCode}`)
    await sleep(5)
  }
  return { port, stop: () => child.kill('SIGKILL') }
}
