// node benchmark/run.mjs <suite|all> [--rounds 5] [--quick] [--only a,b] [--json file]
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isBuilt, load, ours, split, version } from './contestants.mjs'
import { describeMachine, describeSettings } from './machine.mjs'
import { summarize, toMarkdown } from './report.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const DEFAULT_TIMEOUT = 180_000
const suites = readdirSync(join(here, 'suites'))
  .map((file) => file.replace('.mjs', ''))
  .filter((name) => name !== 'flow')

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
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    fail(error.message)
  }
  const { values, positionals } = parsed
  const usage = `node benchmark/run.mjs <suite|all> [--rounds 5] [--quick] [--only a,b] [--json file]\nsuites: ${suites.join(', ')}`
  if (values.help || positionals.length !== 1) fail(usage)
  const [name] = positionals
  if (name !== 'all' && !suites.includes(name)) fail(`there is no suite '${name}'\n${usage}`)
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5))
  if (!Number.isInteger(rounds) || rounds < 1) fail('--rounds must be an integer from 1 up')
  return { names: name === 'all' ? suites : [name], rounds, quick: values.quick, only: values.only?.split(','), json: values.json }
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

/** `piscina` picks all its modes, `piscina:1024` that one. */
function isPicked(contestant, only) {
  return only === undefined || only.includes(contestant) || only.includes(split(contestant).name)
}

function runChild(suiteName, suite, contestant, quick) {
  const args = [...(suite.nodeArguments ?? []), join(here, 'child.mjs'), suiteName, contestant]
  if (quick) args.push('quick')
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (errors += chunk))
  let late = false
  const limit = suite.timeout ?? DEFAULT_TIMEOUT
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, limit)
  return new Promise((resolve) => {
    child.on('error', (error) => {
      clearTimeout(timer)
      resolve({ error: error.message })
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const line = output.split('\n').findLast((text) => text.startsWith('result '))
      if (late) return resolve({ error: `no result within ${limit / 1000} s` })
      if (line === undefined) return resolve({ error: lastWords(errors) || `ended with ${signal ?? code}` })
      resolve({ values: JSON.parse(line.slice(7)) })
    })
  })
}

/** The line of a child's stderr that says what went wrong: the error's, or else the first. */
function lastWords(errors) {
  const lines = errors.split('\n').map((line) => line.trim()).filter((line) => line !== '')
  return lines.find((line) => /^\w*Error\b.*:/.test(line)) ?? lines[0] ?? ''
}

async function runSuite(suiteName, { rounds, quick, only }) {
  const { default: suite } = await import(new URL(`suites/${suiteName}.mjs`, import.meta.url))
  const contestants = suite.contestants.filter((name) => isPicked(name, only) && (name !== ours || isBuilt()))
  if (contestants.length === 0) fail(`nobody of ${suite.contestants.join(', ')} takes part in '${suiteName}'`)
  const samples = Object.fromEntries(contestants.map((name) => [name, []]))
  const errors = {}

  for (let round = 0; round < rounds; round++) {
    // Everybody goes first once in a while: the machine is not the same at the start and at the end of a
    // round.
    const shift = round % contestants.length
    for (const contestant of [...contestants.slice(shift), ...contestants.slice(0, shift)]) {
      process.stderr.write(`${suiteName}, round ${round + 1} of ${rounds}: ${contestant} ...\n`)
      const { values, error } = await runChild(suiteName, suite, contestant, quick)
      if (error === undefined) samples[contestant].push(values)
      else errors[contestant] = error
    }
  }

  return {
    suite: suiteName,
    title: suite.title,
    about: suite.about,
    rows: suite.rows,
    rounds,
    quick,
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    settings: describeSettings(contestants, await loadSettings(contestants)),
    errors,
    contestants: summarize(samples),
  }
}

async function loadSettings(contestants) {
  const settings = {}
  for (const name of contestants) if (name !== 'node') settings[name] = (await load(name)).settings
  return settings
}

const options = readArguments()
installPeers()
if (!isBuilt()) {
  console.error(`${ours} is not built (no dist/index.js; npm run build): measuring the peers only`)
}
const reports = []
for (const name of options.names) {
  const report = await runSuite(name, options)
  reports.push(report)
  console.log(toMarkdown(report))
}
if (options.json !== undefined) {
  const path = resolve(options.json)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(options.names.length === 1 ? reports[0] : reports, null, 1)}\n`)
}
process.exitCode = reports.some((report) => Object.keys(report.errors).length > 0) ? 1 : 0
