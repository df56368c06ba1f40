// Runs a program of probes/ for a suite that needs a process of its own for each of its figures.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * Resolves with what the last line of its output says, which is JSON, and as `firstLine` the milliseconds
 * from its start to its first line.
 */
export function runProbe(file, ...args) {
  const path = fileURLToPath(new URL(`probes/${file}`, import.meta.url))
  const start = performance.now()
  const child = spawn(process.execPath, [path, ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let firstLine
  let text = ''
  child.stdout.on('data', (chunk) => {
    firstLine ??= performance.now() - start
    text += chunk
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      if (code !== 0) return reject(new Error(`${file} ended with ${code}`))
      resolve({ firstLine, ...JSON.parse(text.trim().split('\n').at(-1)) })
    })
  })
}
