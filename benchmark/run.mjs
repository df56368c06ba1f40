// node benchmark/run.mjs [suite or group ...] [options], or npm run bench -- the same, which builds before;
// --help lists them.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isBuilt, ours, version } from './contestants.mjs'
import { suitesOf, usage } from './groups.mjs'
import { runSuite } from './measure.mjs'
import { toMarkdown } from './report.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const USAGE = `npm run bench -- [suite or group ...] [options]   (without a suite: short)

--rounds 5     rounds of each suite; figures are their medians
--quick        one short round: to see that it works, not to quote
--only a,b     only these packages (piscina) or settings (piscina:1024)
--busy         each round once more with other work on the machine; both are shown
--save         keep the results, and draw their tables and pictures (README.md, docs/performance.md)
--json file    write the results there

${usage}`

function fail(message) {
  console.error(message)
  process.exit(2)
}

function readArguments() {
  let parsed
  try {
    parsed = parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        busy: { type: 'boolean', default: false },
        save: { type: 'boolean', default: false },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    fail(`${error.message}\n\n${USAGE}`)
  }
  const { values, positionals } = parsed
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  const names = new Set()
  for (const name of positionals.length > 0 ? positionals : ['short']) {
    const suites = suitesOf(name)
    if (suites === undefined) fail(`there is no suite '${name}'\n\n${USAGE}`)
    for (const suite of suites) names.add(suite)
  }
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5))
  if (!Number.isInteger(rounds) || rounds < 1) fail('--rounds must be an integer from 1 up')
  return { ...values, names: [...names], rounds, only: values.only?.split(',') }
}

function peersAreInstalled() {
  const { devDependencies } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))
  try {
    return Object.entries(devDependencies).every(([name, wanted]) => version(name) === wanted)
  } catch {
    return false
  }
}

/** The peers are no dependencies of the package: they are fetched when somebody measures. */
function installPeers() {
  if (peersAreInstalled()) return
  console.error('installing the peers (npm ci) ...')
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: here,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
  if (npm.status !== 0) fail('npm ci in benchmark/ failed')
}

/** What somebody types who wants the figures of a report anew. */
function commandOf(name, { rounds, quick, only, busy }) {
  const options = [quick && '--quick', !quick && rounds !== 5 && `--rounds ${rounds}`, only && `--only ${only}`, busy && '--busy']
  return ['npm run bench --', name, ...options.filter(Boolean), '--save'].join(' ')
}

function write(path, value) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(value, null, 1)}\n`)
}

const options = readArguments()
installPeers()
if (!isBuilt()) {
  console.error(`${ours} is not built (no dist/index.js; npm run build): measuring the peers only`)
}
const reports = []
for (const name of options.names) {
  const report = { ...(await runSuite(name, options)), command: commandOf(name, options) }
  reports.push(report)
  console.log(toMarkdown(report))
  const [line] = process.versions.node.split('.')
  // At once: a run of hours that breaks off has kept what it had.
  if (options.save) write(join(here, 'results', `node-${line}`, `${name}.json`), report)
}
if (options.json !== undefined) write(resolve(options.json), reports.length === 1 ? reports[0] : reports)
if (options.save) {
  const { updatePages } = await import('./tables.mjs')
  await updatePages()
}
process.exitCode = reports.some((report) => Object.keys(report.errors).length > 0) ? 1 : 0
