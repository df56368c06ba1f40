// npm run guard: whether a task costs no more than was recorded, by counts instead of clocks.
// npm run guard -- record: writes what is counted now into the file of budgets, for this line of Node.
// --budgets FILE: another file than benchmark/guard/budgets.json.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from './build.mjs'
import { valgrindVersion } from './callgrind.mjs'
import { Failure, main, root } from './command.mjs'
import { COUNTS, countAll } from './counts.mjs'
import { step } from './step.mjs'

/** When budgets are recorded; and at the most until nothing is a loss. */
const RUNS = 3
const FILE = join(root, 'benchmark/guard/budgets.json')
const [line] = process.versions.node.split('.')

function readArguments() {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { budgets: { type: 'string' } } })
  const [action = 'check', ...more] = positionals
  if (more.length > 0 || !['check', 'record'].includes(action)) throw new Failure('npm run guard [-- record] [--budgets FILE]')
  return { action, file: resolve(values.budgets ?? FILE) }
}

const readBudgets = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {})

/** How fast a machine is moves some counts by half a margin: the middle of it leaves room on both sides. */
async function medians(count) {
  const runs = []
  while (runs.length < RUNS) runs.push(await count())
  const middle = (key) => runs.map((run) => run[key]).sort((a, b) => a - b)[RUNS >> 1]
  return Object.fromEntries(Object.keys(COUNTS).map((key) => [key, middle(key)]))
}

/**
 * What a task costs is in every run, and what one run in six has besides is not: V8 compiles a function once
 * more among the tasks that are counted. So a loss is counted again, and the smallest is what is judged.
 */
async function smallest(count, isFine) {
  let counts = await count()
  for (let runs = 1; runs < RUNS && !isFine(counts); runs++) {
    const again = await count()
    counts = Object.fromEntries(Object.keys(COUNTS).map((key) => [key, Math.min(counts[key], again[key])]))
  }
  return counts
}

const rounded = (value) => Number(value.toPrecision(4))

function record(file, counts, valgrind) {
  const budgets = readBudgets(file)
  const per = Object.fromEntries(
    Object.entries(COUNTS).map(([key, { label, margin }]) => [key, { label, value: rounded(counts[key]), margin }]),
  )
  budgets[line] = { node: process.version, valgrind, counts: per }
  writeFileSync(file, format(budgets))
}

/** A count a line, so that a diff says what has changed. */
function format(budgets) {
  const lines = Object.entries(budgets).map(([name, { counts, ...rest }]) => {
    const each = Object.entries(counts).map(([key, count]) => `      ${JSON.stringify(key)}: ${JSON.stringify(count)}`)
    const head = Object.entries(rest).map(([key, value]) => `    ${JSON.stringify(key)}: ${JSON.stringify(value)},\n`)
    return `  ${JSON.stringify(name)}: {\n${head.join('')}    "counts": {\n${each.join(',\n')}\n    }\n  }`
  })
  return `{\n${lines.join(',\n')}\n}\n`
}

const allowance = (value, margin) => (typeof margin === 'string' ? (value * parseFloat(margin)) / 100 : margin)

/** One line a count: what is counted, what was, and the verdict. */
function judge(counts, recorded) {
  return Object.entries(COUNTS).map(([key, { label, isOfNode }]) => {
    const budget = recorded.counts[key]
    const now = rounded(counts[key])
    if (budget === undefined) return { text: `? ${label}: ${now}, and nothing is recorded`, isLoss: true }
    const { value, margin } = budget
    const room = allowance(value, margin)
    const shown = `${label}: ${now} (recorded ${value}, margin ${margin})`
    if (isOfNode && recorded.node !== process.version) return { text: `- ${shown}, of ${recorded.node}: not compared` }
    if (counts[key] > value + room) return { text: `✗ ${shown}`, isLoss: true }
    const hint = counts[key] < value - room ? ': less by more than the margin, so record it anew' : ''
    return { text: `✓ ${shown}${hint}`, isLoss: false }
  })
}

await main(async () => {
  const { action, file } = readArguments()
  const valgrind = await valgrindVersion()
  const recorded = readBudgets(file)[line]
  if (valgrind === undefined || (action === 'check' && recorded === undefined)) {
    const why = valgrind === undefined ? 'valgrind is missing' : `no budgets are recorded for Node ${line} (npm run guard -- record)`
    console.log(`the guard was left out: ${why}\n\n0 passed, 0 failed`)
    return
  }
  await build()
  const count = () => step(`the cost of a task, counted on Node ${process.versions.node}`, countAll)
  if (action === 'record') return record(file, await medians(count), valgrind)
  const isFine = (counts) => judge(counts, recorded).every(({ isLoss }) => isLoss !== true)
  const verdicts = judge(await smallest(count, isFine), recorded)
  for (const { text } of verdicts) console.log(text)
  const lost = verdicts.filter(({ isLoss }) => isLoss === true).length
  const held = verdicts.filter(({ isLoss }) => isLoss === false).length
  if (lost > 0) console.log(`\nWhat a task costs has grown. If that is meant: npm run guard -- record`)
  console.log(`\n${held} passed, ${lost} failed`)
  if (lost > 0) process.exitCode = 1
})
