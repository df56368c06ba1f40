/** `concurrent-futures map`. */
import { fstatSync } from 'node:fs'
import type { Stats } from 'node:fs'
import type { PoolExecutor } from '../pool/pool-executor.ts'
import { openInput } from './input.ts'
import type { Input } from './input.ts'
import { Items } from './items.ts'
import type { ItemKey } from './items.ts'
import { hashOf, isSame, Joblog } from './joblog.ts'
import { LineSplitter } from './lines.ts'
import type { Line } from './lines.ts'
import { needPackage } from './load.ts'
import type { Api } from './load.ts'
import { parseMapOptions } from './map-options.ts'
import type { MapOptions } from './map-options.ts'
import { Output } from './output.ts'
import { Progress } from './progress.ts'
import { failed } from './rows.ts'
import type { Row } from './rows.ts'
import { specifierOf, statOf } from './target.ts'
import type * as Task from './task.ts'
import { CommandError, inOneLine } from './usage.ts'

const INTERRUPTED = 130
const TERMINATED = 143

/** How long workers may take to leave when all is done, and the output to be taken when it is stopped. */
const LEAVING = 5_000
/** After so long a user wants to know what is waited for. */
const LONG_LOAD = 10_000
const LAST_WRITES = 1_000

/** @returns what the process exits with, if it does not exit here */
export async function runMap(args: string[]): Promise<number> {
  const options = parseMapOptions(args)
  const specifier = specifierOf(options.module)
  const api = await needPackage()
  const input = openInput(options.input)
  if (isSame(input.stat, fstatSync(1))) throw new CommandError('the results would be written into the input')
  const run = new MapRun(api, options, specifier, input)
  const code = await run.end()
  // Whoever feeds standard input may hold it open.
  process.exit(code)
}

class MapRun {
  readonly #api: Api
  readonly #options: MapOptions
  readonly #input: Input
  readonly #module: Stats | undefined
  readonly #pool: PoolExecutor
  readonly #task: ReturnType<typeof tasksOf>
  readonly #items: Items
  readonly #output: Output<ItemKey>
  #joblog: Joblog | undefined
  #progress: Progress | undefined

  #read = 0
  #index = 0
  #done = 0
  #failed = 0
  #isStopping = false
  #isLoaded = false
  /** Exits at once. */
  readonly #abort: (code: number) => void
  readonly #aborted: Promise<number>
  /** What the process exits with, if it is not the items that decide. */
  #code: number | undefined
  #waiters: (() => void)[] = []

  constructor(api: Api, options: MapOptions, specifier: string, input: Input) {
    let abort: (code: number) => void = () => {}
    this.#aborted = new Promise((resolve) => (abort = resolve))
    this.#abort = abort
    this.#api = api
    this.#options = options
    this.#input = input
    this.#module = statOf(specifier)
    this.#task = tasksOf(api)
    this.#pool = makePool(api, options, this.#task.open, specifier)
    this.#output = new Output({
      onDrain: () => this.#wake(),
      onError: (error) => this.#lose(error, 'write the results'),
      onWrite: () => process.stdout.isTTY && this.#progress?.clear(),
    })
    this.#items = this.#makeItems()
    process.on('SIGINT', () => this.#interrupt(INTERRUPTED))
    process.on('SIGTERM', () => this.#interrupt(TERMINATED))
  }

  #makeItems(): Items {
    const { key, chunk, isUnordered, isRaw, timeout } = this.#options
    const view = this.#pool.with(timeout === undefined ? { name: key } : { name: key, timeout })
    const { run } = this.#task
    return new Items({
      workers: this.#pool.maxWorkers,
      chunk,
      isUnordered,
      submit: (lines, longest) => {
        try {
          return view.submit(run, lines, isRaw, longest)
        } catch (error) {
          // A broken pool takes nothing any more.
          this.#giveUp(`no worker runs any more: ${inOneLine(error)}`)
          const future = new this.#api.Future<Row[]>()
          future.setException(error)
          return future
        }
      },
      onEnd: (key, row) => {
        this.#done++
        this.#joblog?.note(key, row)
        if (row[1] === '') return
        this.#failed++
        if (this.#options.isFailFast) this.#stop()
      },
      write: (text, key) => this.#output.write(text, key),
      onRoom: () => {
        if (!this.#isFull || this.#items.isIdle) this.#wake()
      },
    })
  }

  /** Resolves with the exit code when all has been written, or nothing more will be. */
  async end(): Promise<number> {
    const code = await Promise.race([this.#work(), this.#aborted])
    this.#progress?.end()
    return code
  }

  async #work(): Promise<number> {
    await this.#checkModule()
    const { joblog, isResumed, hasProgress } = this.#options
    if (joblog !== undefined) {
      this.#joblog = this.#openJoblog(joblog, isResumed)
    }
    if (hasProgress) this.#progress = new Progress(() => this.#counts())
    if (!this.#isStopping) await this.#feed()
    while (!this.#items.isIdle) await this.#woken()
    await this.#output.end()
    this.#joblog?.close()
    await this.#pool.shutdown({ timeout: LEAVING })
    return this.#code ?? (this.#failed > 0 ? 1 : 0)
  }

  #openJoblog(path: string, isResumed: boolean): Joblog {
    const others = { 'the input': this.#input.stat, 'the module': this.#module, 'the results': fstatSync(1) }
    return new Joblog(path, isResumed, others, (error) => this.#lose(error, 'write the joblog'))
  }

  /** Before anything is read or written: whether there is something to call. */
  async #checkModule(): Promise<void> {
    const checking = this.#pool.submit(this.#task.check)
    const isOver = (): boolean => this.#isStopping
    const slow = setTimeout(() => this.#say(`${this.#options.module} is still being loaded`), LONG_LOAD)
    const problem = await Promise.race([
      checking.then(
        (found) => found,
        (error: unknown) => this.#whyNotLoaded(error),
      ),
      this.#until(isOver),
    ])
    clearTimeout(slow)
    this.#isLoaded = true
    if (problem !== undefined) throw new CommandError(problem)
    if (this.#isStopping) this.#abort(this.#code ?? 1)
  }

  #whyNotLoaded(error: unknown): string {
    const cause = error instanceof Error ? error.cause : undefined
    return `cannot load ${this.#options.module}: ${inOneLine(cause ?? error)}`
  }

  async #feed(): Promise<void> {
    const reading = this.#readAll().catch((error: unknown) => {
      if (!this.#isStopping) this.#giveUp(`cannot read the input: ${inOneLine(error)}`)
    })
    await Promise.race([reading, this.#until(() => this.#isStopping)])
    this.#input.stream.destroy()
  }

  async #readAll(): Promise<void> {
    const splitter = new LineSplitter()
    for await (const bytes of this.#input.stream as AsyncIterable<Buffer>) {
      this.#read += bytes.length
      if (!(await this.#addAll(splitter.split(bytes)))) return
      this.#items.pause()
    }
    if (await this.#addAll(splitter.rest())) this.#items.end()
  }

  /** Adds these lines as there is room; whether more may come. */
  async #addAll(lines: Iterable<Line>): Promise<boolean> {
    for (const line of lines) {
      if (this.#isFull) await this.#until(() => !this.#isFull || this.#isStopping)
      if (this.#isStopping) return false
      this.#add(line)
    }
    return true
  }

  #add(line: Line): void {
    const index = this.#index++
    const hash = this.#joblog === undefined || line === undefined ? '' : hashOf(line)
    if (this.#joblog?.isDone(index, hash) === true) return
    if (line !== undefined) return this.#items.add({ index, text: line.toString('utf8'), hash })
    this.#items.refuse({ index, text: '', hash }, new RangeError('the line is longer than a string can be'))
  }

  get #isFull(): boolean {
    return this.#items.isFull || this.#output.isFull
  }

  #counts(): { done: number; failed: number; share: number | undefined } {
    const { size } = this.#input
    const share = size === undefined ? undefined : Math.min(1, this.#read / size)
    return { done: this.#done, failed: this.#failed, share }
  }

  #interrupt(code: number): void {
    if (!this.#isStopping || code === TERMINATED) {
      this.#code ??= code
      const isFirst = !this.#isStopping && this.#isLoaded
      if (isFirst) this.#say('finishing what has begun (SIGINT, Ctrl-C, stops that)')
      return this.#stop()
    }
    this.#code ??= code
    this.#items.abandon()
    this.#joblog?.flush()
    // What reads the results may have stopped too.
    setTimeout(() => {
      this.#logUnwritten(new Error('nobody takes the result'))
      this.#abort(this.#code as number)
    }, LAST_WRITES)
    void this.#output.end().then(() => this.#abort(this.#code as number))
  }

  /** Begins nothing more. */
  #stop(): void {
    this.#isStopping = true
    this.#items.stop()
    this.#wake()
  }

  #giveUp(message: string): void {
    if (!this.#isStopping) this.#say(message)
    this.#code ??= 1
    this.#stop()
  }

  /** Nothing can be written any more: what has closed the pipe has had enough. */
  #lose(error: unknown, what: string): void {
    const isClosed = (error as NodeJS.ErrnoException).code === 'EPIPE'
    if (!isClosed) this.#say(`cannot ${what}: ${inOneLine(error)}`)
    this.#logUnwritten(error)
    this.#abort(isClosed ? 0 : 1)
  }

  /** The joblog says of what has ended, and whose result has not gone out, that it has failed in the end. */
  #logUnwritten(error: unknown): void {
    const row = failed(error, Date.now(), 0)
    const { unwritten } = this.#output
    for (const key of [...unwritten, ...this.#items.takeWaiting()]) this.#joblog?.note(key, row)
    this.#joblog?.flush()
  }

  #say(message: string): void {
    this.#progress?.clear()
    process.stderr.write(`concurrent-futures: ${message}\n`)
  }

  async #until(isSo: () => boolean): Promise<undefined> {
    while (!isSo()) await this.#woken()
    return undefined
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const resolve of waiters) resolve()
  }
}

// What the worker runs is a file of its own beside the bundle of the commands.
const TASK = new URL('./task.js', import.meta.url)

function tasksOf(api: Api): ReturnType<typeof api.moduleTasks<typeof Task>> {
  return api.moduleTasks<typeof Task>(TASK)
}

function makePool(api: Api, options: MapOptions, open: typeof Task.open, specifier: string): PoolExecutor {
  const { workers, key, hasProcesses } = options
  const Pool = hasProcesses ? api.ProcessPoolExecutor : api.ThreadPoolExecutor
  const initializer = { name: 'map', initializer: open, initargs: [specifier, key] }
  return new Pool(workers === undefined ? initializer : { ...initializer, maxWorkers: workers })
}
