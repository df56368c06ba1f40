// Bar charts: one row of a report, best first, as long as its value: a scale that is not linear would make
// all look alike. No script in the picture.
import { isApart, isHandWritten, ours } from './contestants.mjs'
import { formatNumber } from './report.mjs'

const WIDTH = 720
const LABELS = 180
const FIGURES = 90
const BAR = 22
const GAP = 8
const TOP = 56
const BOTTOM = 36

export const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)

const colourOf = ({ highlight, faint }) => (highlight ? '#c2410c' : faint ? '#d8dee8' : '#94a3b8')

/** `bars`: { label, value, highlight?, faint? }. */
function drawBars({ title, subtitle, footer, bars }) {
  const room = WIDTH - LABELS - FIGURES
  const height = TOP + bars.length * (BAR + GAP) + BOTTOM
  const largest = Math.max(...bars.map((bar) => bar.value))
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ` +
      `role="img" aria-label="${escape(title)}" font-family="system-ui, sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="24" font-size="16" font-weight="600" fill="#1c1c1c">${escape(title)}</text>`,
    `<text x="16" y="43" fill="#666666">${escape(subtitle)}</text>`,
  ]
  bars.forEach((bar, i) => {
    const y = TOP + i * (BAR + GAP)
    const length = Math.max(2, (bar.value / largest) * room)
    const middle = y + BAR / 2 + 4.5
    const weight = bar.highlight ? ' font-weight="600"' : ''
    out.push(
      `<text x="${LABELS - 8}" y="${middle}" text-anchor="end" fill="#1c1c1c"${weight}>${escape(bar.label)}</text>`,
      `<rect x="${LABELS}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" rx="2" fill="${colourOf(bar)}"/>`,
      `<text x="${(LABELS + length + 6).toFixed(1)}" y="${middle}" fill="#1c1c1c"${weight}>${escape(formatNumber(bar.value))}</text>`,
    )
  })
  out.push(`<text x="16" y="${height - 12}" font-size="11" fill="#666666">${escape(footer)}</text>`, '</svg>', '')
  return out.join('\n')
}

/** On what a picture was measured. */
export function pictureFooter({ rounds, date, machine }) {
  return `Median of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, ${date}; ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`
}

/** The chart of one row of a report, best first. */
export function drawRow(report, row) {
  const bars = Object.entries(report.contestants)
    .filter(([, rows]) => rows[row.key] !== undefined)
    .map(([label, rows]) => ({
      label,
      value: rows[row.key].median,
      highlight: label === ours,
      faint: isHandWritten(label) || isApart(label),
    }))
    .sort((a, b) => (row.better === 'higher' ? b.value - a.value : a.value - b.value))
  return drawBars({
    title: report.title,
    subtitle: [row.label, row.unit ?? row.group, `${row.better} is better`].filter(Boolean).join(', '),
    footer: pictureFooter(report),
    bars,
  })
}
