// Medians, and the tables that are printed.
import { isApart, isHandWritten, ours } from './contestants.mjs'
import { median } from './flow.mjs'

/** Per contestant and row: the median of the rounds, the extremes and the values themselves. */
export function summarize(samples) {
  const summary = {}
  for (const [contestant, rounds] of Object.entries(samples)) {
    const rows = {}
    for (const key of new Set(rounds.flatMap((round) => Object.keys(round)))) {
      const values = rounds.map((round) => round[key]).filter((value) => value !== undefined)
      rows[key] = { median: median(values), min: Math.min(...values), max: Math.max(...values), values }
    }
    summary[contestant] = rows
  }
  return summary
}

/**
 * How many times better than the best we are; below 1 we have lost. `among` picks who counts; default: all
 * pools.
 */
export function compare(contestants, row, among = (name) => !isHandWritten(name) && !isApart(name)) {
  const own = contestants[ours]?.[row.key]?.median
  const peers = Object.entries(contestants)
    .filter(([name, rows]) => name.split(':')[0] !== ours && name !== 'node' && among(name) && rows[row.key]?.median > 0)
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

export function formatRatio({ ratio, best }) {
  if (ratio === undefined) return `(best: ${best.name})`
  const digits = ratio >= 100 ? 0 : ratio >= 10 ? 1 : 2
  return `${ratio.toFixed(digits)}×${ratio < 1 ? ' (loss)' : ''} of ${best.name}`
}

const line = (cells) => `| ${cells.join(' | ')} |`

/** What the title of a column says, its unit included. */
export const columnTitle = ({ label, unit }) => (unit ? `${label}, ${unit}` : label)

function ratioLine(title, contestants, rows, among) {
  const results = rows.map((row) => compare(contestants, row, among))
  if (results.every((result) => result === undefined)) return []
  return [line([title, ...results.map((result) => (result === undefined ? '' : formatRatio(result)))])]
}

function table(contestants, rows) {
  const out = [line(['', ...rows.map(columnTitle)]), line(['---', ...rows.map(() => '---:')])]
  const lineOf = ([name, values]) => {
    if (rows.every((row) => values[row.key] === undefined)) return []
    const cells = rows.map((row) => formatNumber(values[row.key]?.median))
    return [line([name === ours ? `**${name}**` : name, ...cells])]
  }
  const entries = Object.entries(contestants)
  out.push(...entries.filter(([name]) => !isApart(name)).flatMap(lineOf))
  out.push(...ratioLine('ours against the best pool', contestants, rows))
  out.push(...ratioLine('ours against the best written by hand', contestants, rows, isHandWritten))
  for (const entry of entries.filter(([name]) => isApart(name))) {
    out.push(...lineOf(entry), ...ratioLine(`ours against ${entry[0]}`, contestants, rows, (name) => name === entry[0]))
  }
  return [...out, '']
}

/** The lines of a table that say how we stand in other runs of the same suite: [title, contestants] each. */
function besideTable(others, rows) {
  const lines = others.flatMap(([title, contestants]) => ratioLine(title, contestants, rows))
  if (lines.length === 0) return []
  return [line(['ours against the best pool', ...rows.map(columnTitle)]), line(['---', ...rows.map(() => '---:')]), ...lines, '']
}

function groupsOf(rows) {
  const groups = new Map()
  for (const row of rows) groups.set(row.group, [...(groups.get(row.group) ?? []), row])
  return groups
}

function footer(report) {
  const { machine, rounds, quick, date } = report
  return (
    `Medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}${quick ? ' (quick)' : ''}, ` +
    `${date}. ${machine.cpu}, ${machine.cores} cores, ${machine.memory}, ${machine.system}, Node ${machine.node}.`
  )
}

const failures = (errors, where = '') => Object.entries(errors).map(([name, error]) => `- ${name} failed${where}: ${error}`)

/** Of a scaling suite: a line for each point; of other lines of Node the first figure only. */
function seriesTable(report, others) {
  const { contestants } = report
  const { x, values } = report.series
  const [first] = values
  const more = others.map(({ machine }) => `${first.label} on Node ${machine.node}, ${first.unit}`)
  const out = [line([x.label, ...values.map(columnTitle), ...more]), line(['---:', ...values.map(() => '---:'), ...more.map(() => '---:')])]
  const cell = (of, key) => formatNumber(of[ours]?.[key]?.median)
  const measured = x.points.filter((point) => contestants[ours]?.[`${first.key}-${point}`] !== undefined)
  for (const point of measured) {
    const own = values.map(({ key }) => cell(contestants, `${key}-${point}`))
    const theirs = others.map((other) => cell(other.contestants, `${first.key}-${point}`))
    out.push(line([point.toLocaleString('en'), ...own, ...theirs]))
  }
  return [...out, '', ...steepestSteps(report), '']
}

/** Where each figure grows fastest for the length of the step. */
function steepestSteps({ series: { x, values }, contestants }) {
  const points = x.points.filter((point) => point > 0)
  return values.flatMap(({ key, label }) => {
    const steps = points.slice(1).map((to, i) => {
      const [from, before, after] = [points[i], contestants[ours]?.[`${key}-${points[i]}`], contestants[ours]?.[`${key}-${to}`]]
      return { from, to, growth: after?.median / before?.median, power: Math.log(after?.median / before?.median) / Math.log(to / from) }
    })
    const [worst] = steps.filter(({ power }) => !Number.isNaN(power)).sort((a, b) => b.power - a.power)
    if (worst === undefined) return []
    const [from, to] = [worst.from.toLocaleString('en'), worst.to.toLocaleString('en')]
    const verdict = worst.power > 1 ? ', worse than linear' : ''
    return [`- steepest step, ${label}: ${formatNumber(worst.growth)}× from ${from} to ${to}${verdict}`]
  })
}

/**
 * `others`: reports of the same suite on further lines of Node, of which only the comparison with the best
 * pool is shown.
 */
export function toMarkdown(report, others = []) {
  const out = [`### ${report.title}`, '', report.about, '', `Again: \`${report.command}\``, '']
  if (report.series !== undefined) out.push(...seriesTable(report, others))
  for (const [group, rows] of report.series === undefined ? groupsOf(report.rows) : []) {
    if (group !== undefined) out.push(`${group}:`, '')
    out.push(...table(report.contestants, rows))
    if (rows.some((row) => !row.reference)) out.push(...besideTable(runsBeside(report, others), rows))
  }
  const failed = [...failures(report.errors), ...failures(report.busy?.errors ?? {}, ' on the busy machine')]
  if (failed.length > 0) out.push(...failed, '')
  out.push(footer(report), '')
  for (const [name, { version, options }] of Object.entries(report.settings)) out.push(`- ${name} ${version} \`${options}\``)
  out.push('')
  return out.join('\n')
}

function runsBeside(report, others) {
  const beside = report.busy === undefined ? [] : [['with other work on the machine', report.busy.contestants]]
  for (const other of others) {
    beside.push([`Node ${other.machine.node}`, other.contestants])
    if (other.busy !== undefined) beside.push([`Node ${other.machine.node}, with other work`, other.busy.contestants])
  }
  return beside
}
