// What has been written when a program is over: node ending.mjs thread|process HOW END FILE. Seven tasks log
// to FILE, HOW is the way there, and END what the program does at its end (`flush`, `shutdown`), and whether
// it is `busy` meanwhile; see pino.test.mjs.
import { ProcessPoolExecutor, ThreadPoolExecutor } from 'concurrent-futures'

const [kind, how, end, file] = process.argv.slice(2)
const Executor = kind === 'process' ? ProcessPoolExecutor : ThreadPoolExecutor

async function setUp(how, isBusy, file, slowTransport) {
  const { default: pino } = await import('pino')
  const ways = {
    synchronous: () => pino(pino.destination({ dest: file, sync: true })),
    asynchronous: () => pino(pino.destination({ dest: file })),
    buffered: () => pino(pino.destination({ dest: file, sync: false, minLength: 4096 })),
    transport: () => pino({ transport: { target: slowTransport, options: { file } } }),
  }
  if (isBusy) {
    // Files are opened and written by libuv's threads: there is one here, and it has something else to do.
    const { pbkdf2 } = await import('node:crypto')
    pbkdf2('a', 'b', 1_000_000, 64, 'sha512', () => {})
  }
  globalThis.log = ways[how]()
}

const isBusy = end.includes('busy')
const slowTransport = new URL('./slow-transport.mjs', import.meta.url).href
const executor = new Executor({ maxWorkers: 1, initializer: setUp, initargs: [how, isBusy, file, slowTransport] })
for (let i = 0; i < 7; i++) await executor.submit((i) => globalThis.log.info({ i }, 'from a task'), i)

if (end.includes('flush')) {
  await Promise.all(executor.broadcast(() => new Promise((resolve) => globalThis.log.flush(resolve))))
}
if (end.includes('shutdown')) await executor.shutdown()
