// Puts the tables of results/*.json into README.md, and draws the pictures: node benchmark/tables.mjs
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { toMarkdown } from './report.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const START = '<!-- tables: node benchmark/tables.mjs -->'
const END = '<!-- end of the tables -->'

/** In the order of the README, with the rows of which there are pictures. */
const SUITES = [
  ['throughput', 'flight1k'],
  ['roundtrip'],
  ['cancel', 'next', 'rejection'],
  ['sync'],
  ['values'],
  ['scaling'],
  ['fork-join'],
  ['loop-delay'],
  ['native'],
  ['kernels'],
  ['threadpool', 'stat'],
  ['queue'],
  ['start'],
]

function section([suite, ...pictures]) {
  const file = join(here, 'results', `${suite}.json`)
  if (!existsSync(file)) return ''
  const report = JSON.parse(readFileSync(file, 'utf8'))
  const images = pictures.map((key) => {
    const label = report.rows.find((row) => row.key === key).label
    return `![${report.title}: ${label}](results/${suite}-${key}.svg)\n`
  })
  if (pictures.length > 0) {
    const drawn = spawnSync(process.execPath, [join(here, 'chart.mjs'), file, ...pictures], { stdio: 'inherit' })
    if (drawn.status !== 0) throw new Error(`no pictures of ${suite}`)
  }
  return [toMarkdown(report), ...images].join('\n')
}

const readme = join(here, 'README.md')
const text = readFileSync(readme, 'utf8')
const [before, after] = [text.indexOf(START), text.indexOf(END)]
if (before < 0 || after < before) throw new Error(`README.md needs a line '${START}' and a line '${END}'`)
const tables = SUITES.map(section).filter((part) => part !== '')
writeFileSync(readme, `${text.slice(0, before)}${START}\n\n${tables.join('\n')}\n${text.slice(after)}`)
