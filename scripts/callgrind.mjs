// Running a program under callgrind and reading what it wrote: for each dump of each thread what it
// executed, and who called what how often.
import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { must, run } from './command.mjs'

/**
 * Counts are the same in every run only if V8 compiles and collects garbage on the threads that ask for it.
 */
const NODE_FLAGS = ['--single-threaded-gc', '--no-concurrent-recompilation']

/** Undefined where valgrind is missing. */
export async function valgrindVersion() {
  try {
    const { code, stdout } = await run('valgrind', ['--version'])
    return code === 0 ? stdout.trim() : undefined
  } catch {
    return undefined
  }
}

/**
 * Runs a script of Node under callgrind to its end; a thread's dump ends at each call of `mark`.
 *
 * @returns {Promise<Dump[]>} in the order in which they were written; those of the end of the program are
 *   last
 */
export async function profile(folder, mark, script, ...args) {
  const options = [
    '--tool=callgrind',
    '--separate-threads=yes',
    '--collect-bus=yes',
    `--dump-before=${mark}`,
    `--callgrind-out-file=${join(folder, 'out')}`,
  ]
  const command = [...options, process.execPath, ...NODE_FLAGS, script, ...args]
  await must(`${basename(script)} under callgrind`, 'valgrind', command)
  // out.<dump>-<thread>, and out-<thread> for what was left at the end.
  const pattern = /^out(?:\.(\d+))?-(\d+)$/
  return readdirSync(folder)
    .map((name) => ({ name, match: pattern.exec(name) }))
    .filter(({ match }) => match !== null)
    .map(({ name, match }) => readDump(join(folder, name), Number(match[1] ?? Infinity), Number(match[2])))
    .sort((a, b) => a.number - b.number || a.thread - b.thread)
}

/**
 * Calls of functions, with the object that the caller lies in, and instructions and atomic operations in
 * all and of each object.
 *
 * @typedef {{ number: number, thread: number, total: Cost, objects: Map<string, Cost>, calls: Call[] }} Dump
 * @typedef {{ instructions: number, atomics: number }} Cost
 * @typedef {{ from: string, name: string, count: number }} Call
 */
function readDump(path, number, thread) {
  const dump = { number, thread, total: { instructions: 0, atomics: 0 }, objects: new Map(), calls: [] }
  // A name is written out once, and is its number from then on: '(7) libc.so.6', '(7)'.
  const names = { ob: new Map(), fn: new Map() }
  const named = (kind, text) => {
    const [, id, name] = /^\((\d+)\)(?: (.*))?$/.exec(text)
    if (name !== undefined) names[kind].set(id, name)
    return names[kind].get(id)
  }
  let object = ''
  let callee
  // The line after 'calls=' is what the call cost, which is the callee's own and counted there.
  let isCost = false
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (/^[+*\-\d]/.test(line)) {
      if (!isCost) add(dump, object, line)
      isCost = false
      continue
    }
    const at = line.indexOf('=')
    const [key, value] = [line.slice(0, at), line.slice(at + 1)]
    if (key === 'ob') object = named('ob', value)
    else if (key === 'cob') named('ob', value)
    else if (key === 'fn') named('fn', value)
    else if (key === 'cfn') callee = named('fn', value)
    else if (key === 'calls') {
      dump.calls.push({ from: basename(object), name: callee, count: Number(value.split(' ')[0]) })
      isCost = true
    }
  }
  return dump
}

function add(dump, object, line) {
  const [, instructions = 0, atomics = 0] = line.split(' ').map(Number)
  const name = basename(object)
  const own = dump.objects.get(name) ?? { instructions: 0, atomics: 0 }
  dump.objects.set(name, own)
  for (const cost of [dump.total, own]) {
    cost.instructions += instructions
    cost.atomics += atomics
  }
}

/** How often functions were called whose name the pattern matches; `from`: only by code of that object. */
export function callsOf(dump, pattern, from) {
  const isMeant = (call) => pattern.test(call.name) && (from === undefined || call.from === from)
  return dump.calls.filter(isMeant).reduce((sum, { count }) => sum + count, 0)
}
