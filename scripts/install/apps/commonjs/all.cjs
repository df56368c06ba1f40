const { native, ProcessPoolExecutor, ThreadPoolExecutor } = require('concurrent-futures')

// In the syntax of 2020: older bundlers read no newer one.
const LIMIT = 60000

/** As all.mjs of apps/basic. */
exports.all = async function all(double, print) {
  const threads = new ThreadPoolExecutor(2)
  print('module', await threads.submit(double, 21).result(LIMIT))
  print('inline', await threads.submit((a, b) => a * b, 6, 7).result(LIMIT))
  print('native', await threads.submit(native.countPrimes, 100).result(LIMIT))
  const endless = threads.with({ timeout: 200 }).submit(() => {
    for (let n = 0; ; n++) globalThis.n = n
  })
  print('endless', (await endless.exception(LIMIT)).code)
  const processes = new ProcessPoolExecutor(1)
  print('process', await processes.submit(double, 21).result(LIMIT))
}
