#!/usr/bin/env node
/** The command `concurrent-futures`: which command is meant, and how it ends. */
import { runDoctor } from './doctor.ts'
import { version } from './load.ts'
import { runMap } from './map.ts'
import { CommandError, helpOf, inOneLine } from './usage.ts'
import { runWorker } from './worker.ts'

const COMMANDS: Readonly<Record<string, (args: string[]) => Promise<number>>> = {
  // @ts-expect-error: without a prototype no word but these is a command.
  __proto__: null,
  map: runMap,
  doctor: runDoctor,
  worker: runWorker,
}

/** Whether an option without a value stands among the arguments, under its long name or its letter. */
function has(args: readonly string[], long: string, letter: string): boolean {
  const end = args.indexOf('--')
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === long || arg === letter)
}

async function run(args: string[]): Promise<number> {
  const [name, ...rest] = args
  const command = name === undefined ? undefined : COMMANDS[name]
  if (has(args, '--help', '-h')) process.stdout.write(helpOf(command && name))
  else if (has(args, '--version', '-v')) process.stdout.write(`${version()}\n`)
  else if (command !== undefined) return await command(rest)
  else if (name === undefined) throw new CommandError('which command? (see --help)')
  else throw new CommandError(`there is no command ${JSON.stringify(name)} (see --help)`)
  return 0
}

// Who has closed what we write to is not told of it.
process.stderr.on('error', () => {})
process.stdout.on('error', () => {})
try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`concurrent-futures: ${inOneLine(error)}\n`)
  process.exitCode = error instanceof CommandError ? error.exitCode : 1
}
