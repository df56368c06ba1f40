/** `concurrent-futures worker`: a host that runs the jobs of a queue until it is told to stop. */
import type { BullMQWorker } from '../distributed/bullmq-worker.ts'
import type { PoolExecutor } from '../pool/pool-executor.ts'
import { needDistributed, needPackage } from './load.ts'
import type { Api } from './load.ts'
import { parseWorkerOptions } from './worker-options.ts'
import type { WorkerCommandOptions } from './worker-options.ts'
import { CommandError, inOneLine } from './usage.ts'

const CODES = { SIGINT: 130, SIGTERM: 143 }

/** How long workers may take to leave when all is done. */
const LEAVING = 5_000

/** @returns what the process exits with, if it does not exit here */
export async function runWorker(args: string[]): Promise<number> {
  const options = parseWorkerOptions(args)
  const api = await needPackage()
  const { BullMQWorker } = await needDistributed()
  const { queue, connection, prefix, modules, grace } = options
  const executor = makePool(api, options)
  const host = makeHost(() => {
    const common = { queue, connection, modules, executor }
    return new BullMQWorker(prefix === undefined ? common : { ...common, prefix })
  })
  // Who reads that it runs may tell it to stop at once.
  const isOver = Promise.race([toldToStop(), leftAlone()])
  say(`running the jobs of ${queue}, up to ${executor.maxWorkers} at once`)
  if ((await isOver) === 'left alone') {
    say('closed')
    return 1
  }
  say(grace === Infinity ? 'finishing what has begun' : `finishing what has begun, for up to ${grace} ms`)
  await host.close({ grace })
  await executor.shutdown({ timeout: LEAVING })
  say('closed')
  process.exit(0)
}

function say(message: string): void {
  process.stderr.write(`concurrent-futures: ${message}\n`)
}

/** A pool that is broken ends its host, which warns of that; then there is nothing that goes on. */
function leftAlone(): Promise<'left alone'> {
  return new Promise((resolve) => process.once('beforeExit', () => resolve('left alone')))
}

/** The second signal stops at once. */
function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    let isStopping = false
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (isStopping) process.exit(CODES[signal])
        isStopping = true
        resolve()
      })
    }
  })
}

/** What the constructor refuses is wrong usage. */
function makeHost(make: () => BullMQWorker): BullMQWorker {
  try {
    return make()
  } catch (error) {
    throw new CommandError(inOneLine(error))
  }
}

function makePool(api: Api, { workers, hasProcesses }: WorkerCommandOptions): PoolExecutor {
  const Pool = hasProcesses ? api.ProcessPoolExecutor : api.ThreadPoolExecutor
  return new Pool(workers === undefined ? { name: 'worker' } : { name: 'worker', maxWorkers: workers })
}
