/** `--progress`: how far it is, on standard error; on a terminal in one line that is written over. */
const EVERY_ON_TERMINAL = 200
const EVERY = 2_000
const CLEAR = '\r\x1b[K'

export interface Counts {
  readonly done: number
  readonly failed: number
  /** Of the input, between 0 and 1; undefined where its size is not known. */
  readonly share: number | undefined
}

export class Progress {
  readonly #counts: () => Counts
  readonly #isTerminal: boolean = process.stderr.isTTY
  readonly #timer: NodeJS.Timeout
  readonly #start = performance.now()
  #isShown = false

  constructor(counts: () => Counts) {
    this.#counts = counts
    this.#timer = setInterval(() => this.#show(), this.#isTerminal ? EVERY_ON_TERMINAL : EVERY)
    this.#timer.unref()
  }

  #show(): void {
    process.stderr.write(this.#isTerminal ? `${CLEAR}${this.#text()}` : `${this.#text()}\n`)
    this.#isShown = this.#isTerminal
  }

  #text(): string {
    const { done, failed, share } = this.#counts()
    const seconds = (performance.now() - this.#start) / 1_000
    const percent = share === undefined ? '' : ` (${Math.floor(share * 100)} % of the input read)`
    const rate = seconds > 0 ? Math.round(done / seconds) : 0
    return `${done} done, ${failed} failed${percent}, ${rate}/s, ${seconds.toFixed(1)} s`
  }

  /** Makes room for a line of something else on the same terminal. */
  clear(): void {
    if (this.#isShown) process.stderr.write(CLEAR)
    this.#isShown = false
  }

  end(): void {
    clearInterval(this.#timer)
    this.clear()
    process.stderr.write(`${this.#text()}\n`)
  }
}
