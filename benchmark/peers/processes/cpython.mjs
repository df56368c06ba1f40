// CPython's own ProcessPoolExecutor: a program in Python measures it by the rules of suites/process.mjs.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

// Its fastest way of starting a child, which copies the parent instead of running anything.
export const modes = { default: { mp_context: 'fork' } }

export async function measure({ quick }) {
  const file = fileURLToPath(new URL('../../probes/process_pool.py', import.meta.url))
  const { stdout } = await promisify(execFile)('python3', [file, ...(quick ? ['quick'] : [])])
  return JSON.parse(stdout.trim().split('\n').at(-1))
}
