// Programs that serve on a port of this machine until they are stopped, at the latest when this process
// ends.
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from './command.mjs'

const START_LIMIT = 60_000
const PAUSE = 100

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

async function answers(url, child) {
  for (let waited = 0; waited < START_LIMIT && child.exitCode === null; waited += PAUSE) {
    const response = await fetch(url).catch(() => undefined)
    if (response !== undefined) return
    await sleep(PAUSE)
  }
  throw new Failure(`nothing answers at ${url}`)
}

/**
 * @param command - makes the command of a port
 * @param path - what is asked for until something answers
 */
export async function startServer(command, { cwd, env = process.env, path = '' }) {
  const port = await freePort()
  const [program, ...args] = command(port)
  // A group of its own: it may start others.
  const child = spawn(program, args, { cwd, env, stdio: 'ignore', detached: true })
  const stop = () => {
    process.off('exit', stop)
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has gone.
    }
  }
  // Before the folder that it writes to is removed. The limits of command.mjs have seen to it that signals
  // end this process by process.exit().
  process.prependListener('exit', stop)
  const url = `http://127.0.0.1:${port}/`
  try {
    await answers(`${url}${path}`, child)
  } catch (error) {
    stop()
    throw error
  }
  return { url, stop }
}
