// Writes lib/addon/seam.ts: what both languages must agree on, from what the addon says of itself (its
// function `seam`, crates/binding/src/calls/seam.rs).
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { root } from './command.mjs'

export const SEAM = 'lib/addon/seam.ts'

const HEAD = `/**
 * The numbers and the calls of the addon, written by the build (scripts/seam.mjs) and never edited: each
 * number is declared in the file of crates/binding that is named above it, and is explained there.
 */
`

/** The module's text for what the addon has said. */
export function moduleOf(text) {
  const calls = []
  const body = []
  for (const line of text.split('\n')) {
    if (line.startsWith('call ')) calls.push(`  | '${line.slice(5)}'`)
    else if (line.startsWith('# ')) body.push('', `// ${line.slice(2)}`)
    else body.push(`export const ${line}`)
  }
  return [
    HEAD.trimEnd(),
    ...body,
    '',
    '/** The functions of the addon. */',
    'export type CallName =',
    ...calls,
    '',
    '/** All of this as the addon that it was written for says it. */',
    `export const SEAM: string = \`${text.replace(/^#.*\n/gm, '')}\``,
    '',
  ].join('\n')
}

/** Writes the module anew if it says anything else than the addon at `path`. */
export function writeSeam(path) {
  const { seam } = createRequire(import.meta.url)(path)
  const written = moduleOf(seam(true))
  const file = join(root, SEAM)
  let before
  try {
    before = readFileSync(file, 'utf8')
  } catch {
    // There is none yet.
  }
  if (written !== before) writeFileSync(file, written)
}
