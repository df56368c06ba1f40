// One line of the terminal for each step: what is being done, live where there is a terminal, and how long it
// took.
const isLive = process.stderr.isTTY === true && !process.env.CI
const TICK = 100
const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'

/** @returns {string} such as '0.4 s', '12 s' or '3 min 5 s' */
export function seconds(ms) {
  const all = ms / 1000
  if (all < 10) return `${all.toFixed(1)} s`
  if (all < 120) return `${Math.round(all)} s`
  return `${Math.floor(all / 60)} min ${Math.round(all % 60)} s`
}

/**
 * Does `work(note)` and prints one line on standard error; `note(text)` shows what it is at, on a terminal.
 *
 * @param closing - makes the line from the result; default: the label; a result with failures is marked
 *   as one
 */
export async function step(label, work, closing = () => label) {
  const start = performance.now()
  let detail = ''
  let frame = 0
  const draw = () => {
    const width = (process.stderr.columns ?? 80) - 1
    const text = `${FRAMES[frame++ % FRAMES.length]} ${label} ${seconds(performance.now() - start)} ${detail}`
    process.stderr.write(`\r\x1b[K${text.slice(0, width)}`)
  }
  const timer = isLive ? setInterval(draw, TICK) : undefined
  const clear = () => {
    clearInterval(timer)
    if (isLive) process.stderr.write('\r\x1b[K')
  }
  try {
    const result = await work((text) => (detail = text.trim()))
    clear()
    process.stderr.write(`${result?.failed > 0 ? '✗' : '✓'} ${closing(result)} (${seconds(performance.now() - start)})\n`)
    return result
  } catch (error) {
    clear()
    process.stderr.write(`✗ ${label} (${seconds(performance.now() - start)})\n`)
    throw error
  }
}
