import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { test } from 'node:test'
import { promisify } from 'node:util'

const DENIED = 'Error, ERR_ACCESS_DENIED'
const LOST = 'WorkerLostError, ERR_FUTURE_WORKER_LOST'
const holdsNetwork = process.allowedNodeEnvironmentFlags.has('--allow-net')

const KEPT = {
  'reads a file': DENIED,
  'writes a file': DENIED,
  'reads an API token in the environment': 'TypeError',
  'starts a program': DENIED,
  'starts a thread': DENIED,
  'loads an addon': DENIED,
  'never ends': 'TimeoutError, ERR_FUTURE_TIMEOUT, phase run',
  'fills its heap': `${LOST}, SIGABRT, ERR_WORKER_OUT_OF_MEMORY`,
  'ends its process': `${LOST}, exit code 3`,
  'crashes its process': `${LOST}, SIGSEGV`,
  'throws where nobody catches': `${LOST}, exit code 1, nobody catches this`,
  'gives something else than a score': 'TypeError',
  ...(holdsNetwork && { 'connects to a server': DENIED }),
}
const OPEN = [
  ...(holdsNetwork ? [] : ['connects to a server']),
  'sends a signal to this process',
  'fills buffers of 200 MB, outside of the heap',
  ...(isBuiltin('node:sqlite') ? ['makes a database'] : []),
]

test('a stranger is kept from what the page says, and from nothing more', { timeout: 120_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [`${import.meta.dirname}/main.mjs`])
  if (process.versions.node.startsWith('24.')) {
    const page = readFileSync(new URL('../../../docs/examples.md', import.meta.url), 'utf8')
    assert.ok(page.includes(stdout.slice(stdout.indexOf(':'))), 'docs/examples.md has another list')
  }
  const [title, ...lines] = stdout.trimEnd().split('\n')
  assert.equal(title, `Node.js ${process.version}: an honest stranger gives 4`)
  const heading = lines.findIndex((line) => !line.startsWith(' '))
  const kept = lines.slice(0, heading).map((line) => line.trim().split(/ {2,}/))
  assert.deepEqual(Object.fromEntries(kept), KEPT)
  assert.deepEqual(
    lines.slice(heading + 1).map((line) => line.trim()),
    OPEN,
  )
})
