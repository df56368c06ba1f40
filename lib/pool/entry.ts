/** The file that workers run, threads and children alike. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isRefusal } from '../errors/system-refusal.ts'
import { URL } from '../host/url.ts'

/** Where the entry of the workers is: beside the file into which this is bundled, at the top of dist/. */
export const entry: URL = new URL('./worker/main.cjs', import.meta.url)

/** If the cause is that the user has bundled the program, the error says so. */
export function explainStart(error: unknown): unknown {
  if (isRefusal(error)) return error
  if (entry.protocol !== 'file:') {
    return new Error(
      `the code of concurrent-futures has come from ${entry.protocol}, and its workers run a file: ` +
        'the tool that loads it must leave it out (Vitest: server.deps.external)',
      { cause: error },
    )
  }
  if (existsSync(entry)) return error
  const path = fileURLToPath(entry)
  return new Error(
    `there is no ${path}, which workers run: ` +
      'a bundler must leave concurrent-futures out (mark it as external)',
    { cause: error },
  )
}
