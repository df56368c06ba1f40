/**
 * A Redis of the test's own: Debian's `redis-server` on a free port of this machine, in a folder of its own.
 * It can be killed, stopped for a while, and come back with what it had, or empty. It ends with the test
 * file, and also if the process of the tests is killed.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestFn } from 'ava'
import { SOON } from './limits.ts'

export interface RedisOptions {
  /** Every command is on the disk before it is answered, so a server that was killed comes back with all. */
  appendonly?: boolean
  /** Of this machine, besides its loopback. */
  addresses?: readonly string[]
}

/**
 * Ports below those that systems give to connections of their own: a client that tries, again and again, a
 * port at which nobody listens could get that very port for its own end, and would be connected to itself.
 */
const PORTS = { from: 10_240, to: 32_000 }

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)))
  })
}

async function freePort(): Promise<number> {
  for (let tries = 0; tries < 1_000; tries++) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from))
    if (await listens(port)) return port
  }
  throw new Error('no port is free')
}

/** What the server answers; '' if it does not. */
function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (answer: string): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(1_000, () => end(''))
    socket.once('error', () => end(''))
    socket.once('close', () => end(''))
    socket.once('data', (data) => end(String(data)))
    socket.write(`${command}\r\n`)
  })
}

/**
 * Ends a process when this one has gone, however it went: a shell reads from a pipe that closes then.
 *
 * @param folder - what is removed with it
 */
export function endWithUs(child: ChildProcess, folder: string = ''): void {
  const script = 'read -r _; kill -9 "$1" 2>/dev/null; test -z "$2" || rm -rf "$2"'
  const args = ['-c', script, 'sh', String(child.pid), folder]
  const watcher = spawn('/bin/sh', args, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  watcher.unref()
  // Before the number can be another's.
  child.once('exit', () => watcher.kill('SIGKILL'))
}

/** Resolves when the process has ended. */
export function exitOf(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve({ code: child.exitCode, signal: child.signalCode })
  }
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
}

export class RedisServer {
  readonly port: number
  readonly #options: RedisOptions
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'concurrent-futures-redis-'))
  #child: ChildProcess | undefined

  /** Starts one, and waits until it answers. */
  static async start(options: RedisOptions = {}): Promise<RedisServer> {
    for (let tries = 0; ; tries++) {
      const server = new RedisServer(await freePort(), options)
      try {
        await server.start()
        return server
      } catch (error) {
        await server.end()
        // Somebody else may have been faster.
        if (tries === 3) throw error
      }
    }
  }

  private constructor(port: number, options: RedisOptions) {
    this.port = port
    this.#options = options
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** After `kill` and `stop`: at the same port and in the same folder. */
  async start(): Promise<void> {
    const log = join(this.#folder, 'redis.log')
    const given = {
      port: String(this.port),
      bind: ['127.0.0.1', ...(this.#options.addresses ?? [])].join(' '),
      'protected-mode': 'no',
      dir: this.#folder,
      logfile: log,
      save: '',
      appendonly: this.#options.appendonly === true ? 'yes' : 'no',
      appendfsync: 'always',
    }
    const args = Object.entries(given).flatMap(([name, value]) => [`--${name}`, value])
    const child = spawn('redis-server', args, { stdio: 'ignore' })
    this.#child = child
    let failure: Error | undefined
    child.once('error', (error) => (failure = new Error(`${error.message}: npm test installs it, see scripts/redis.mjs`)))
    if (child.pid !== undefined) endWithUs(child, this.#folder)
    const end = performance.now() + SOON
    while (!(await ask(this.port, 'PING')).startsWith('+PONG')) {
      if (failure !== undefined) throw failure
      if (child.exitCode !== null) throw new Error(`redis-server has ended: ${readFileSync(log, 'utf8')}`)
      if (performance.now() > end) throw new Error('redis-server does not answer')
      await sleep(5)
    }
  }

  /** At once, as if its machine had no power. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** As an administrator does. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  /** Without `appendonly` it has nothing afterwards. */
  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** Killed, and its disk is lost. */
  async restartEmpty(): Promise<void> {
    await this.kill()
    rmSync(join(this.#folder, 'appendonlydir'), { recursive: true, force: true })
    await this.start()
  }

  /** It stays connected, and answers nothing. */
  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  /** Closes all connections; new ones are welcome. */
  async cutConnections(): Promise<void> {
    await ask(this.port, 'CLIENT KILL TYPE normal SKIPME yes')
  }

  /** How many clients are connected. */
  async connections(): Promise<number> {
    // That of the question is one.
    return Number(/connected_clients:(\d+)/.exec(await ask(this.port, 'INFO clients'))?.[1]) - 1
  }

  /** Whether it takes no more, as one does whose memory is full. */
  async setFull(isFull: boolean): Promise<void> {
    await ask(this.port, `CONFIG SET maxmemory ${isFull ? 1 : 0}`)
  }

  /** Kills it, and removes its folder. */
  async end(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 })
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child?.pid === undefined) return
    child.kill(signal)
    await exitOf(child)
    this.#child = undefined
  }
}

/** A server for all tests of the file; it starts before them, and ends after them. */
export function redisOf(test: Pick<TestFn, 'before' | 'after'>, options?: RedisOptions): () => RedisServer {
  let server: RedisServer | undefined
  test.before('a Redis of the file is started', async () => {
    server = await RedisServer.start(options)
  })
  test.after.always('the Redis of the file is ended', () => server?.end())
  return () => {
    if (server === undefined) throw new Error('it starts before the first test')
    return server
  }
}
