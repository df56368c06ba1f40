// Puts the tables of results/ into README.md and docs/performance.md, and draws the pictures: node
// benchmark/tables.mjs. `npm run bench -- … --save` does it too.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { drawRow } from './bars.mjs'
import { SCALING, SUITES } from './groups.mjs'
import { drawSeries } from './lines.mjs'
import { savePicture } from './picture.mjs'
import { columnTitle, compare, formatRatio, toMarkdown } from './report.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const results = join(here, 'results')
const END = '<!-- end of the tables -->'
const start = (what) => `<!-- ${what}: node benchmark/tables.mjs -->`

/** The line of Node that is quoted; what others gave stands beside it. */
const QUOTED = 24

/** The reports of a suite: that of the quoted line, or else of the newest that has one; and the others. */
function reportsOf(suite) {
  const folders = existsSync(results) ? readdirSync(results).filter((name) => /^node-\d+$/.test(name)) : []
  const numbers = folders.map((name) => Number(name.slice(5))).sort((a, b) => b - a)
  const found = numbers
    .map((number) => ({ number, file: join(results, `node-${number}`, `${suite}.json`) }))
    .filter(({ file }) => existsSync(file))
    .map(({ number, file }) => ({ number, report: JSON.parse(readFileSync(file, 'utf8')) }))
  const main = found.find(({ number }) => number === QUOTED) ?? found[0]
  if (main === undefined) return undefined
  return { main: main.report, others: found.filter((one) => one !== main).map(({ report }) => report) }
}

async function suiteSection([suite, pictures]) {
  const reports = reportsOf(suite)
  if (reports === undefined) return ''
  const { main, others } = reports
  const images = []
  for (const key of pictures) {
    const row = main.rows.find((one) => one.key === key)
    if (row === undefined || main.contestants['concurrent-futures']?.[key] === undefined) continue
    await savePicture(join(results, `${suite}-${key}`), drawRow(main, row))
    images.push(`![${main.title}: ${row.label}](results/${suite}-${key}.svg)\n`)
  }
  return [toMarkdown(main, others), ...images].join('\n')
}

/**
 * Every comparison that is lost, of each line of Node and with other work: they are not looked for in
 * tables.
 */
function losses() {
  const out = ['| what is lost | | against the best pool |', '|---|---|---:|']
  for (const suite of Object.keys(SUITES)) {
    const reports = reportsOf(suite)
    if (reports === undefined) continue
    for (const report of [reports.main, ...reports.others]) {
      const runs = [[`Node ${report.machine.node}`, report.contestants]]
      if (report.busy !== undefined) runs.push([`Node ${report.machine.node}, with other work`, report.busy.contestants])
      for (const [where, contestants] of runs) {
        for (const row of report.rows) {
          const result = compare(contestants, row)
          if (result?.ratio < 1) out.push(`| ${suite}: ${lossTitle(row)} | ${where} | ${formatRatio(result)} |`)
        }
      }
    }
  }
  return out.length > 2 ? `${out.join('\n')}\n` : 'Nothing is lost in these runs.\n'
}

const lossTitle = (row) => (row.group === undefined ? columnTitle(row) : `${row.label} (${row.group})`)

async function scalingSection(suite) {
  const reports = reportsOf(suite)
  if (reports === undefined) return ''
  const { main, others } = reports
  await savePicture(join(results, suite), drawSeries(main))
  return `${toMarkdown(main, others)}\n![${main.title}](../benchmark/results/${suite}.svg)\n`
}

/** What benchmark/guard/budgets.json has, a column for each line of Node. */
function budgets() {
  const lines = Object.values(JSON.parse(readFileSync(join(here, 'guard/budgets.json'), 'utf8')))
  const keys = Object.keys(lines[0].counts)
  const label = (key) => lines.find(({ counts }) => counts[key] !== undefined).counts[key].label
  const out = [
    `| count, a task | ${lines.map(({ node }) => `Node ${node}`).join(' | ')} | margin |`,
    `|---|${'---:|'.repeat(lines.length + 1)}`,
  ]
  for (const key of keys) {
    const values = lines.map(({ counts }) => counts[key]?.value.toLocaleString('en', { maximumFractionDigits: 4 }) ?? '–')
    out.push(`| ${label(key)} | ${values.join(' | ')} | ${lines[0].counts[key].margin} |`)
  }
  return `${out.join('\n')}\n`
}

function replace(path, what, text) {
  const page = readFileSync(path, 'utf8')
  const from = page.indexOf(start(what))
  const to = page.indexOf(END, from)
  if (from < 0 || to < 0) throw new Error(`${path} needs a line '${start(what)}' and a line '${END}'`)
  writeFileSync(path, `${page.slice(0, from)}${start(what)}\n\n${text}\n${page.slice(to)}`)
}

export async function updatePages() {
  const sections = []
  for (const suite of Object.entries(SUITES)) sections.push(await suiteSection(suite))
  const readme = join(here, 'README.md')
  replace(readme, 'tables', sections.filter((text) => text !== '').join('\n'))
  replace(readme, 'losses', losses())
  const curves = []
  for (const suite of SCALING) curves.push(await scalingSection(suite))
  const page = join(here, '../docs/performance.md')
  replace(page, 'budgets', budgets())
  replace(page, 'curves', curves.filter((text) => text !== '').join('\n'))
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) await updatePages()
