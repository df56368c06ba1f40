// Bar charts from what `run.mjs --json` wrote: node chart.mjs results/throughput.json [row ...]
// One SVG a row, beside the file: results/throughput-flight1k.svg. No dependencies, no script in the picture.
import { readFileSync, writeFileSync } from 'node:fs'
import { ours } from './contestants.mjs'
import { formatNumber } from './report.mjs'

const WIDTH = 720
const LABELS = 170
const FIGURES = 90
const BAR = 22
const GAP = 8
const TOP = 56
const BOTTOM = 36

const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)

/** Length 0 to 1 of each bar; on a logarithmic scale when the largest is more than 20 times the smallest. */
export function scale(values) {
  const largest = Math.max(...values)
  const smallest = Math.min(...values)
  if (smallest <= 0 || largest / smallest <= 20) return { log: false, lengths: values.map((v) => (largest > 0 ? v / largest : 0)) }
  // Starts a little under the smallest, so that it has a bar too.
  const low = Math.log10(smallest) - 0.2
  const span = Math.log10(largest) - low
  return { log: true, lengths: values.map((v) => (Math.log10(v) - low) / span) }
}

/** `bars`: { label, value, low?, high?, highlight? }; low and high draw the range of the rounds. */
export function drawBars({ title, subtitle, footer, bars }) {
  const room = WIDTH - LABELS - FIGURES
  const height = TOP + bars.length * (BAR + GAP) + BOTTOM
  const { log, lengths } = scale(bars.map((bar) => bar.value))
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ` +
      `role="img" aria-label="${escape(title)}" font-family="system-ui, sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="24" font-size="16" font-weight="600" fill="#1c1c1c">${escape(title)}</text>`,
    `<text x="16" y="43" fill="#666666">${escape(subtitle)}${log ? ', logarithmic scale' : ''}</text>`,
  ]
  bars.forEach((bar, i) => {
    const y = TOP + i * (BAR + GAP)
    const length = Math.max(2, lengths[i] * room)
    const middle = y + BAR / 2 + 4.5
    const weight = bar.highlight ? ' font-weight="600"' : ''
    out.push(
      `<text x="${LABELS - 8}" y="${middle}" text-anchor="end" fill="#1c1c1c"${weight}>${escape(bar.label)}</text>`,
      `<rect x="${LABELS}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" rx="2" fill="${bar.highlight ? '#c2410c' : '#94a3b8'}"/>`,
      `<text x="${(LABELS + length + 6).toFixed(1)}" y="${middle}" fill="#1c1c1c"${weight}>${escape(formatNumber(bar.value))}</text>`,
    )
  })
  out.push(`<text x="16" y="${height - 12}" font-size="11" fill="#666666">${escape(footer)}</text>`, '</svg>', '')
  return out.join('\n')
}

/** The chart of one row of a report, best first. */
export function drawRow(report, row) {
  const bars = Object.entries(report.contestants)
    .filter(([, rows]) => rows[row.key] !== undefined)
    .map(([label, rows]) => ({ label, value: rows[row.key].median, highlight: label === ours }))
    .sort((a, b) => (row.better === 'higher' ? b.value - a.value : a.value - b.value))
  const { machine } = report
  return drawBars({
    title: report.title,
    subtitle: [row.label, row.unit, `${row.better} is better`].filter(Boolean).join(', '),
    footer: `Median of ${report.rounds} rounds, ${report.date}; ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`,
    bars,
  })
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) {
  const [file, ...keys] = process.argv.slice(2)
  if (file === undefined) {
    console.error('node chart.mjs results/<suite>.json [row ...]')
    process.exit(2)
  }
  for (const report of [JSON.parse(readFileSync(file, 'utf8'))].flat()) {
    const base = Array.isArray(report.rows) ? file.replace(/[^/\\]*$/, report.suite) : file
    const rows = report.rows.filter((row) => !row.reference && (keys.length === 0 || keys.includes(row.key)))
    for (const row of rows) {
      const path = `${base}-${row.key}.svg`
      writeFileSync(path, drawRow(report, row))
      console.log(path)
    }
  }
}
