// What the demo shows: headings, one live line on a terminal, plain lines elsewhere.
const { stdout } = process
const isLive = stdout.isTTY === true
const hasColor = isLive && !process.env.NO_COLOR
const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'
const BAR = 30

const color = (code) => (text) => (hasColor ? `\x1b[${code}m${text}\x1b[0m` : text)
export const bold = color(1)
export const dim = color(2)
const red = color(31)
const green = color(32)
const cyan = color(36)

export function title(text) {
  stdout.write(`\n${bold(cyan(text))}\n`)
}

export function line(text) {
  stdout.write(`  ${text}\n`)
}

export function result(text, isGood = true) {
  stdout.write(`  ${isGood ? green('✓') : red('✗')} ${text}\n`)
}

/** A line that is drawn over itself; without a terminal it is not shown at all. */
function draw(text) {
  if (isLive) stdout.write(`\r\x1b[K  ${text}`)
}

function erase() {
  if (isLive) stdout.write('\r\x1b[K')
}

/** Turns while the event loop turns; returns what ends it. */
export function spin(text) {
  let frame = 0
  const turn = () => draw(`${cyan(FRAMES[frame++ % FRAMES.length])} ${text}`)
  turn()
  const timer = setInterval(turn, 80)
  return () => {
    clearInterval(timer)
    erase()
  }
}

/** A progress bar; without a terminal, a line for each quarter. */
export function progressBar(total) {
  let quarter = 0
  let last = 0
  return {
    update(done, text) {
      const share = total === 0 ? 1 : done / total
      if (isLive) {
        const now = performance.now()
        if (now - last < 50 && done < total) return
        last = now
        const filled = Math.round(share * BAR)
        draw(`${green('█'.repeat(filled))}${dim('░'.repeat(BAR - filled))} ${String(Math.floor(share * 100)).padStart(3)}%  ${text}`)
      } else if (Math.floor(share * 4) > quarter) {
        quarter = Math.floor(share * 4)
        line(`${String(quarter * 25).padStart(3)}%  ${text}`)
      }
    },
    end: erase,
  }
}
