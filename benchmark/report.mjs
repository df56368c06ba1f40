// Medians, and the table that is printed.
import { ours } from './contestants.mjs'
import { median } from './suites/flow.mjs'

/** Per contestant and row: the median of the rounds, the extremes and the values themselves. */
export function summarize(samples) {
  const summary = {}
  for (const [contestant, rounds] of Object.entries(samples)) {
    const rows = {}
    for (const key of Object.keys(rounds[0] ?? {})) {
      const values = rounds.map((round) => round[key])
      rows[key] = { median: median(values), min: Math.min(...values), max: Math.max(...values), values }
    }
    summary[contestant] = rows
  }
  return summary
}

/** How many times better than the best peer we are; below 1 we have lost. */
export function compare(report, row) {
  const own = report.contestants[ours]?.[row.key]?.median
  const peers = Object.entries(report.contestants)
    .filter(([name, rows]) => name !== ours && name !== 'node' && rows[row.key]?.median > 0)
    .map(([name, rows]) => ({ name, value: rows[row.key].median }))
  if (row.reference || peers.length === 0) return undefined
  const better = row.better === 'higher' ? (a, b) => b.value - a.value : (a, b) => a.value - b.value
  const [best] = peers.sort(better)
  if (own === undefined) return { best }
  return { best, ratio: row.better === 'higher' ? own / best.value : best.value / own }
}

export function formatNumber(value) {
  if (value === undefined || Number.isNaN(value)) return '–'
  const size = Math.abs(value)
  if (size >= 1000) return Math.round(value).toLocaleString('en')
  if (size >= 100) return value.toFixed(0)
  if (size >= 10) return value.toFixed(1)
  return value.toFixed(size >= 1 ? 2 : 3)
}

function formatRatio({ ratio, best }) {
  if (ratio === undefined) return `(best: ${best.name})`
  const digits = ratio >= 100 ? 0 : ratio >= 10 ? 1 : 2
  return `${ratio.toFixed(digits)}×${ratio < 1 ? ' (loss)' : ''} of ${best.name}`
}

const line = (cells) => `| ${cells.join(' | ')} |`

export function toMarkdown(report) {
  const { machine, rows } = report
  const names = Object.keys(report.contestants)
  const out = [`### ${report.title}`, '', report.about, '']
  out.push(line(['', ...rows.map((row) => (row.unit ? `${row.label}, ${row.unit}` : row.label))]))
  out.push(line(['---', ...rows.map(() => '---:')]))
  for (const name of names) {
    const cells = rows.map((row) => formatNumber(report.contestants[name][row.key]?.median))
    out.push(line([name === ours ? `**${name}**` : name, ...cells]))
  }
  const ratios = rows.map((row) => {
    const result = compare(report, row)
    return result === undefined ? '' : formatRatio(result)
  })
  out.push(line(['ours against the best peer', ...ratios]))
  out.push('')
  for (const [name, error] of Object.entries(report.errors)) out.push(`- ${name} failed: ${error}`)
  if (Object.keys(report.errors).length > 0) out.push('')
  out.push(
    `Medians of ${report.rounds} ${report.rounds === 1 ? 'round' : 'rounds'}${report.quick ? ' (quick)' : ''}, ` +
      `${report.date}. ${machine.cpu}, ${machine.cores} cores, ${machine.memory}, ${machine.system}, Node ${machine.node}.`,
    '',
  )
  for (const [name, { version, options }] of Object.entries(report.settings)) out.push(`- ${name} ${version} \`${options}\``)
  out.push('')
  return out.join('\n')
}
