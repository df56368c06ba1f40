// A worker host of one of the contestants, in a process of its own: it says how its event loop is delayed
// when it is asked, and ends when it is told to.
import { monitorEventLoopDelay } from 'node:perf_hooks'

const { name, mode, queue, port, workers, lock } = JSON.parse(process.argv[2])
const { host } = await import(`./${name}.mjs`)
const end = await host({ mode, queue, port, workers, lock })
const delay = monitorEventLoopDelay({ resolution: 1 })
process.on('message', async (message) => {
  if (message === 'begin') {
    delay.reset()
    delay.enable()
    process.send('begun')
  } else if (message === 'delay') {
    delay.disable()
    process.send(delay.percentile(99) / 1e6 - 1)
  } else {
    await end()
    process.exit(0)
  }
})
// Whoever measures is gone.
process.on('disconnect', () => process.exit(1))
process.send('ready')
