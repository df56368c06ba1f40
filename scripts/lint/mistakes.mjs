// Mistakes that are made for a check, which has to see them before it may pass.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../command.mjs'

/** Calls `use` with a folder that is there so long; not in the repository, where git would ignore it. */
export async function inFolder(use) {
  const folder = mkdtempSync(join(tmpdir(), 'mistakes-'))
  try {
    await use(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export function mustSee(output, mistakes) {
  const unseen = mistakes.filter((mistake) => !output.includes(mistake))
  if (unseen.length > 0) throw new Failure(`it does not see ${unseen.join(', ')} in\n${output}`)
}
