/** What the commands say of themselves, and wrong usage. */

/** Wrong usage, or an end with one line: `code` is what the process exits with. */
export class CommandError extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode: number = 2) {
    super(message)
    this.exitCode = exitCode
  }
}

const HELP = `Usage: concurrent-futures COMMAND [OPTIONS]

Commands:
  map MODULE#EXPORT   call a function with each line of the input, on all cores
  worker              run the jobs of a BullMQ queue, on this machine
  doctor              say what works here, for a bug report

Options:
  -h, --help          this text; after a command, that of the command
  -v, --version       the version
`

const MAP = `Usage: concurrent-futures map MODULE#EXPORT [OPTIONS]

Calls a function with each line of the input, a JSON value, on worker threads.
Its results are lines of standard output, in order of the input.
MODULE is a file, relative to the current directory, else a package.

Options:
  --input FILE        read this file, not standard input
  --unordered         print results as they come
  --workers N         how many run at once (default: the cores there are)
  --processes         in child processes, not in threads
  --timeout MS        the longest time that one item may run
  --chunk N|auto      lines that a worker gets at once (default: 1)
  --raw               lines are strings, and strings that are returned are lines
  --joblog FILE       write a line an item: index, start, ms, ok or the error, hash
  --resume            leave out what the joblog says has succeeded
  --fail-fast         begin nothing more once an item has failed
  --progress          say on standard error how far it is (default on a terminal)
  --no-progress       do not
  -h, --help          this text
  -v, --version       the version

What fails is {"error":{"name","message","code"}} in its place.
The first Ctrl-C (or SIGTERM) finishes what has begun, the second stops.
Exit: 0; 1 some failed; 2 wrong usage; 130 and 143 interrupted.
`

const WORKER = `Usage: concurrent-futures worker --modules NAME=FILE --queue NAME --connection URL

Runs the jobs of a BullMQ queue on worker threads, until SIGTERM or Ctrl-C. Jobs
name a function as NAME#FUNCTION, and run nothing but those of the modules named
here and the package's native tasks. bullmq and ioredis have to be installed.

Options:
  --modules NAME=FILE a module and its name; several times, or several after it
  --queue NAME        the queue
  --connection URL    Redis, as in redis://localhost:6379
  --prefix TEXT       what keys in Redis begin with (default: bull)
  --workers N         how many jobs run at once (default: the cores there are)
  --processes         in child processes, not in threads
  --grace MS          how long what runs may go on when it is told to stop
                      (default: to its end)
  -h, --help          this text
  -v, --version       the version

The first Ctrl-C (or SIGTERM) takes no more jobs and finishes, the second stops.
Exit: 0 when it was told to stop; 1 if it cannot run; 2 wrong usage; 130 and 143
when it was stopped.
`

const DOCTOR = `Usage: concurrent-futures doctor [--json]

Says what this machine and Node.js are, which binding was loaded or why not, and
tries each kind of worker. What it prints is what a bug report should contain.

Options:
  --json              as JSON
  -h, --help          this text
  -v, --version       the version

Exit: 0 if all works, else 1.
`

/** The help of a command, or of all. */
export const helpOf = (command: string | undefined): string =>
  ({ map: MAP, doctor: DOCTOR, worker: WORKER })[command ?? ''] ?? HELP

/** What `parseArgs` has thrown for the arguments of a command. */
export function wrongArguments(command: string, error: unknown): CommandError {
  const message = inOneLine(error)
  const option = /^Option '([^' ]+).* argument is ambiguous/.exec(message)?.[1]
  if (option !== undefined) {
    return new CommandError(`${option} takes a value; one that begins with - is written ${option}=VALUE`)
  }
  // After the first sentence it explains how to write a file name that looks like an option.
  return new CommandError(`${message.split('. ')[0]} (see ${command} --help)`)
}

/** The message of anything that was thrown, in one line. */
export function inOneLine(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error)
  return text.trim().replaceAll(/\s*\n\s*/g, '; ')
}
