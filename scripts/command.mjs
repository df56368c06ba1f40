// Running other programs: quietly, and with what they printed at hand when they fail.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** A failure that the user can do something about: printed as its message, without a stack. */
export class Failure extends Error {}

export class CommandFailure extends Failure {
  constructor(what, result) {
    super(`${what} failed (${result.signal ?? `exit code ${result.code}`})\n${result.output.trimEnd()}`)
  }
}

/** The process groups that have a limit: they do not get the terminal's Ctrl-C, so they are ended with us. */
const groups = new Set()

function endGroup(child) {
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL')
  } catch {
    // It has gone.
  }
}

function endAllOn(signal, code) {
  process.on(signal, () => {
    for (const child of groups) endGroup(child)
    process.exit(code)
  })
}

/**
 * A program with a time limit leads a process group: its children go with it, also those that no longer
 * listen.
 */
function limitTime(child, limit, onOver) {
  if (groups.size === 0 && process.listenerCount('SIGINT') === 0) {
    endAllOn('SIGINT', 130)
    endAllOn('SIGTERM', 143)
  }
  groups.add(child)
  const timer = setTimeout(() => {
    onOver()
    endGroup(child)
  }, limit)
  child.on('close', () => {
    clearTimeout(timer)
    groups.delete(child)
  })
}

/**
 * Runs a program to its end, and never rejects because of its exit code.
 *
 * @param onLine - gets each line of output as it comes
 * @param limit - milliseconds after which it is killed with all its children; default none
 * @returns {Promise<{ code: number | null, signal: string | null, stdout: string, output: string }>}
 *   `output` is both streams
 */
export function run(program, args, { cwd = root, env = process.env, onLine = () => {}, limit } = {}) {
  return new Promise((resolve, reject) => {
    const detached = limit !== undefined && process.platform !== 'win32'
    const child = spawn(program, args, { cwd, env, detached, stdio: ['ignore', 'pipe', 'pipe'] })
    const result = { code: null, signal: null, stdout: '', output: '' }
    let rest = ''
    if (limit !== undefined) limitTime(child, limit, () => (result.output += `\nit was ended after ${limit / 60_000} minutes\n`))
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', (text) => {
        result.output += text
        if (stream === child.stdout) result.stdout += text
        const lines = (rest + text).split('\n')
        rest = lines.pop()
        for (const line of lines) onLine(line)
      })
    }
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ ...result, code, signal }))
  })
}

/** Runs a program whose failure ends the script. */
export async function must(what, program, args, options) {
  const result = await run(program, args, options)
  if (result.code !== 0) throw new CommandFailure(what, result)
  return result
}

/**
 * The script behind a command of an installed package: run with this very Node, whatever is first on the
 * PATH.
 */
export function binOf(name, command) {
  const folder = join(root, 'node_modules', name)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return join(folder, typeof bin === 'string' ? bin : bin[command])
}

/** npm as arguments for this Node: as it was called, or as it is found on the PATH. */
export function npmScript() {
  const called = process.env.npm_execpath
  if (called?.endsWith('.js') && existsSync(called)) return called
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const beside = join(folder, 'node_modules/npm/bin/npm-cli.js')
    if (existsSync(beside)) return beside
    const link = join(folder, 'npm')
    if (existsSync(link) && realpathSync(link).endsWith('npm-cli.js')) return realpathSync(link)
  }
  throw new Failure('npm is missing: it comes with Node.js, https://nodejs.org')
}

/** Runs the body of a script; what goes wrong is printed and makes the exit code 1. */
export async function main(body) {
  try {
    await body()
  } catch (error) {
    console.error(error instanceof Failure ? error.message : error)
    process.exitCode = 1
  }
}
