// The floor under first.mjs: a worker thread without any pool, which imports the module of the task and answers one
// message.
const { Worker, isMainThread, parentPort } = require('node:worker_threads')

if (isMainThread) {
  const worker = new Worker(__filename)
  worker.once('message', (result) => {
    if (result !== 2) throw new Error('the first result is wrong')
    process.exit(0)
  })
  worker.postMessage(1)
} else {
  const loaded = import('../tasks/functions.mjs')
  parentPort.on('message', async (n) => parentPort.postMessage((await loaded).addOne(n)))
}
