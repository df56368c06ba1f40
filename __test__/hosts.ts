/**
 * Worker hosts and producers in processes of their own, for the tests of `concurrent-futures/bullmq`: they
 * can be killed, stopped and set to another time. They end with their test.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import type { CloseOptions } from 'concurrent-futures/bullmq'
import { SOON } from './limits.ts'
import { endWithUs, exitOf } from './redis.ts'

const ENTRY = fileURLToPath(new URL('./fixtures/bullmq-host.mjs', import.meta.url))
const CLOCK = new URL('./fixtures/shifted-clock.mjs', import.meta.url).href

/** What ends with the test. */
type Owner = Pick<ExecutionContext, 'teardown'>

interface Options {
  /** How far its clock is ahead of ours, in ms. */
  clock?: number
  nodeArguments?: readonly string[]
  env?: Record<string, string>
  /** Of the network, made by `ip netns`. */
  namespace?: string
}

/** What a host is made of; what it gets as JSON. */
export interface HostOptions extends Options {
  url: string
  queue: string
  /** By name; the default is the module that both sides of these tests have as `work`. */
  modules: Record<string, string>
  kind?: 'thread' | 'process'
  /** Of its pool; default one worker. */
  pool?: object
  prefix?: string
  workerOptions?: object
}

/** What a child process says: whatever `process.send` was given there. */
class Child {
  readonly #process: ChildProcess
  readonly #messages: unknown[] = []
  #heard: () => void = () => {}
  output: string = ''

  constructor(t: Owner, entry: string, args: readonly unknown[], { clock, nodeArguments = [], env, namespace }: Options) {
    const shifted = clock === undefined ? [] : ['--import', CLOCK]
    const { NODE_OPTIONS: _, ...ours } = process.env
    const program = [process.execPath, ...shifted, ...nodeArguments, entry, ...args.map((value) => JSON.stringify(value))]
    const [command, ...rest] = namespace === undefined ? program : ['ip', 'netns', 'exec', namespace, ...program]
    this.#process = spawn(command!, rest, {
      cwd: new URL('..', import.meta.url),
      env: { ...ours, ...env, ...(clock === undefined ? {} : { CLOCK_SHIFT: String(clock) }) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    endWithUs(this.#process)
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    }
    this.#process.on('message', (message) => {
      this.#messages.push(message)
      this.#heard()
    })
    this.#process.on('exit', () => this.#heard())
    t.teardown(() => this.kill())
  }

  get pid(): number {
    return this.#process.pid as number
  }

  /** The next thing that it says. */
  async says(): Promise<unknown> {
    const end = AbortSignal.timeout(SOON)
    while (this.#messages.length === 0) {
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) throw new Error(`it has ended: ${this.output}`)
      if (end.aborted) throw new Error(`it says nothing: ${this.output}`)
      await new Promise<void>((resolve) => {
        this.#heard = resolve
        end.addEventListener('abort', () => resolve(), { once: true })
      })
    }
    return this.#messages.shift()
  }

  async tell(message: object): Promise<unknown> {
    this.#process.send(message)
    return this.says()
  }

  /** How it ends by itself. */
  ended(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    return exitOf(this.#process)
  }

  /** `kill -9`, and waits for its end. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await exitOf(this.#process)
  }

  /** It stands still, as a machine does that is out of breath. */
  pause(): void {
    this.#process.kill('SIGSTOP')
  }

  resume(): void {
    this.#process.kill('SIGCONT')
  }
}

/** A `BullMQWorker` in a process of its own. */
export class Host extends Child {
  /** Starts one, and waits until it has made its worker. */
  static async start(t: Owner, options: HostOptions): Promise<Host> {
    const { clock, nodeArguments, env, namespace, ...given } = options
    const host = new Host(t, ENTRY, [given], options)
    await host.says()
    return host
  }

  /** `worker.close`, and its executor is shut down; then the process ends by itself. */
  async close(options: CloseOptions = {}): Promise<void> {
    await this.tell({ close: options })
  }
}

/** A program that submits; it is called with these arguments, and says what it wants to. */
export class Producer extends Child {
  constructor(t: Owner, fixture: string, args: readonly unknown[], options: Options = {}) {
    super(t, fileURLToPath(new URL(`./fixtures/${fixture}`, import.meta.url)), args, options)
  }
}
