// The rounds of one suite: every contestant in a process of its own, interleaved, and what comes of it as a
// report.
import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isBuilt, load, ours, runsHere, split } from './contestants.mjs'
import { describeMachine, describeSettings } from './machine.mjs'
import { summarize } from './report.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const DEFAULT_TIMEOUT = 180_000
/** How much longer a child may take on a machine that others work on too. */
const BUSY_FACTOR = 4
/**
 * Certificates that Node 20 reads at each start: 36 ms with those of a whole system, for every child that
 * inherits the variable. Not all pools hand the environment on.
 */
const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env

/** `piscina` picks all its modes, `piscina:1024` that one. */
function isPicked(contestant, only) {
  return only === undefined || only.includes(contestant) || only.includes(split(contestant).name)
}

function runChild(suiteName, suite, contestant, { quick, limit }) {
  const args = [...(suite.nodeArguments ?? []), join(here, 'child.mjs'), suiteName, contestant]
  if (quick) args.push('quick')
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (errors += chunk))
  let late = false
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
  const lines = errors
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return lines.find((line) => /^\w*Error\b.*:/.test(line)) ?? lines[0] ?? ''
}

/** Other work beside a round; the result ends it. */
function makeBusy() {
  const other = spawn(process.execPath, [join(here, 'busy.mjs')], { stdio: 'ignore' })
  return () => other.kill('SIGKILL')
}

async function oneRound(suiteName, suite, order, { quick, isBusy, title, onResult }) {
  const limit = (suite.timeout ?? DEFAULT_TIMEOUT) * (isBusy ? BUSY_FACTOR : 1)
  const end = isBusy ? makeBusy() : () => {}
  try {
    for (const contestant of order) {
      process.stderr.write(`${title}${isBusy ? ', busy' : ''}: ${contestant} ...\n`)
      onResult(contestant, await runChild(suiteName, suite, contestant, { quick, limit }))
    }
  } finally {
    end()
  }
}

function collector(contestants) {
  const samples = Object.fromEntries(contestants.map((name) => [name, []]))
  const errors = {}
  const onResult = (contestant, { values, error }) => {
    if (error === undefined) samples[contestant].push(values)
    else errors[contestant] = error
  }
  return { onResult, result: () => ({ contestants: summarize(samples), errors }) }
}

/** `busy`: each round is followed by one with other work beside it. */
export async function runSuite(suiteName, { rounds, quick, only, busy }) {
  const { default: suite } = await import(new URL(`suites/${suiteName}.mjs`, import.meta.url))
  const picked = suite.contestants.filter((name) => isPicked(name, only) && (name !== ours || isBuilt()))
  const contestants = picked.filter(runsHere)
  if (contestants.length === 0) throw new Error(`nobody of ${suite.contestants.join(', ')} takes part in '${suiteName}'`)
  const calm = collector(contestants)
  const disturbed = busy ? collector(contestants) : undefined

  for (let round = 0; round < rounds; round++) {
    // Everybody goes first once in a while: the machine is not the same at the start and at the end of a
    // round.
    const shift = round % contestants.length
    const order = [...contestants.slice(shift), ...contestants.slice(0, shift)]
    const title = `${suiteName}, round ${round + 1} of ${rounds}`
    await oneRound(suiteName, suite, order, { quick, title, isBusy: false, onResult: calm.onResult })
    if (busy) await oneRound(suiteName, suite, order, { quick, title, isBusy: true, onResult: disturbed.onResult })
  }

  return {
    ...{ suite: suiteName, title: suite.title, about: suite.about, rows: suite.rows, series: suite.series },
    ...{ rounds, quick, date: new Date().toISOString().slice(0, 10), machine: describeMachine() },
    settings: describeSettings(contestants, await loadSettings(contestants, suite.peers)),
    ...calm.result(),
    busy: disturbed?.result(),
  }
}

async function loadSettings(contestants, folder) {
  const settings = {}
  for (const name of contestants) if (name !== 'node') settings[name] = (await load(name, folder)).settings
  return settings
}
