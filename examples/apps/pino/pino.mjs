// Logs as lines of JSON, those of tasks and those of the executor together: node pino.mjs
import { moduleTasks, ThreadPoolExecutor } from 'concurrent-futures'
import { logEvents, makeLogger } from './logger.mjs'

const { resize, spins } = moduleTasks(new URL('./tasks.mjs', import.meta.url))
const log = makeLogger()
logEvents(log)

const images = new ThreadPoolExecutor({ name: 'images', maxWorkers: 1 })
log.info({ width: await images.submit(resize, 800) }, 'done')
await images.with({ name: 'poster' }).submit(resize, 4_000).exception()
await images.with({ timeout: 50 }).submit(spins).exception()
await images.shutdown()
