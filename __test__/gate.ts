/**
 * Files as signals between a test and tasks that block their thread: a gate holds tasks until the test opens
 * it; a log counts their runs.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import { SOON } from './limits.ts'

/** A folder of the test's own, gone with it. */
export class Folder {
  readonly #path: string = mkdtempSync(join(tmpdir(), 'concurrent-futures-'))
  readonly #gates: string[] = []

  constructor(t: ExecutionContext) {
    t.teardown(() => {
      for (const gate of this.#gates) writeFileSync(gate, '')
      rmSync(this.#path, { recursive: true, force: true, maxRetries: 3 })
    })
  }

  /** The path of a file that does not exist yet. */
  file(name: string): string {
    return join(this.#path, name)
  }

  exists(file: string): boolean {
    return existsSync(file)
  }

  /** A file for `work.waitFor`; it is opened at the end of the test at the latest. */
  gate(name: string = 'gate'): string {
    const gate = this.file(name)
    this.#gates.push(gate)
    return gate
  }

  open(gate: string): void {
    writeFileSync(gate, '')
  }

  /** The lines that `work.note` has written. */
  notes(file: string): string[] {
    return existsSync(file)
      ? readFileSync(file, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
      : []
  }
}

/** Waits, looking every few milliseconds, until `condition` holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + SOON
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${SOON} ms: ${what}`)
    await sleep(3)
  }
}
