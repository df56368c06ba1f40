// Redis: the tests start servers of their own, so its program has to be there. A service that a package has
// started is left alone: nobody looks at its port.
import { Failure, run } from './command.mjs'
import { step } from './step.mjs'

const PROGRAM = 'redis-server'
const CURE = { darwin: 'brew install redis', linux: `apt-get install ${PROGRAM}, or what your system has for it` }

async function isThere() {
  const { code } = await run(PROGRAM, ['--version']).catch(() => ({ code: -1 }))
  return code === 0
}

/** Debian's own way, by root or by who may become it without a word. */
async function aptGet(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const [program, ...before] = process.getuid() === 0 ? ['apt-get'] : ['sudo', '-n', '--preserve-env=DEBIAN_FRONTEND', 'apt-get']
  return run(program, [...before, ...args], { env }).catch((error) => ({ code: -1, output: error.message }))
}

async function install(note) {
  note('apt-get install')
  const args = ['install', '-y', '--no-install-recommends', PROGRAM]
  let result = await aptGet(...args)
  if (result.code !== 0) {
    // Its lists are old, or there are none.
    note('apt-get update')
    await aptGet('update')
    result = await aptGet(...args)
  }
  // What matters is the program: a service of the package that does not start here makes the code another.
  if (await isThere()) return
  throw new Failure(`${missing()}\n${result.output.trimEnd()}`)
}

function missing() {
  return `${PROGRAM} is missing, which the tests of concurrent-futures/bullmq start: ${CURE[process.platform] ?? 'install Redis'}`
}

/** Sees that there is a redis-server: on Debian and its like by installing it. */
export async function withRedis() {
  if (await isThere()) return
  const hasApt = process.platform === 'linux' && (await run('apt-get', ['--version']).catch(() => ({ code: -1 }))).code === 0
  if (!hasApt) throw new Failure(missing())
  await step(`install ${PROGRAM}`, install)
}
