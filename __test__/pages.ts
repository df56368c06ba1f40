/**
 * The blocks of code on a page, and what stands in comments around them. A comment of HTML is seen by nobody
 * who reads the page, so it may hold what a block needs to be a program. Above a block:
 *
 * - `<!-- before: CODE -->` runs in front of it;
 * - `<!-- file: NAME -->`: the block is this file, which the blocks of the page may import; it is not run;
 * - `<!-- alone -->`: in a process of its own, because it ends it, or listens to its signals; with arguments
 *   after a colon;
 * - `<!-- needs: NAME -->`: only where this package is installed in benchmark/, or `node N` for Node itself;
 *   elsewhere its syntax is checked;
 * - `<!-- not run: WHY -->`: only its syntax is checked;
 * - `<!-- run: NAME -->`: another test runs it, by this name.
 *
 * Below it `<!-- after: CODE -->` runs behind it.
 *
 * What a block prints is checked: a block of text that follows directly is all of it; else the comment behind
 * each `console.log(…)` of a line, up to its first `: `, is one line of it, or several with commas between.
 */
export interface Block {
  readonly page: string
  /** Of its fence, from 1. */
  readonly line: number
  readonly language: string
  readonly code: string
  readonly marks: ReadonlyMap<string, string>
  readonly after: string
  /** The block of text that follows directly. */
  readonly text: string | undefined
}

const FENCE = /^```(\w*)[^\n]*\n([^]*?)^```$/gm
const MARKS = /(?:<!--(?:(?!-->)[^])*-->\s*)*$/
const COMMENT = /<!--\s*([^]*?)\s*-->/g

/** The comments right in front of a block. */
function marksOf(above: string): Map<string, string> {
  const [comments] = MARKS.exec(above) as RegExpExecArray
  const marks = new Map<string, string>()
  for (const [, comment] of comments.matchAll(COMMENT)) {
    const [, name, value] = /^([a-z ]+?)(?::\s*([^]*))?$/.exec(comment as string) ?? []
    if (name !== undefined) marks.set(name, value ?? '')
  }
  return marks
}

export function blocksOf(page: string, source: string): Block[] {
  const found = [...source.matchAll(FENCE)]
  return found.map((match, index) => {
    const [all, language, code] = match as unknown as [string, string, string]
    const start = match.index
    const end = start + all.length
    const next = found[index + 1]
    const isText = next !== undefined && next[1] === 'text' && source.slice(end, next.index).trim() === ''
    const [, after] = /^\s*<!-- after:\s*([^]*?)\s*-->/.exec(source.slice(end)) ?? []
    return {
      page,
      line: source.slice(0, start).split('\n').length,
      language,
      code,
      marks: marksOf(source.slice(0, start)),
      after: after ?? '',
      text: isText ? next[2] : undefined,
    }
  })
}

/** What the comments behind the `console.log` of a block, in Python the `print`, say that they print. */
function said(code: string): string[] {
  return [...code.matchAll(/^.*(?:console\.log\(.*\/\/|print\(.*#) (.+)$/gm)].map(([, text]) => text as string)
}

/** The first thing that a block says it prints and does not; undefined if there is none. */
export function notPrinted(block: Block, printed: string): string | undefined {
  if (block.text !== undefined) {
    return block.text.trim() === printed.trim() ? undefined : `${block.text}but this:\n${printed}`
  }
  const lines = printed.split('\n').map((line) => line.trim())
  let at = 0
  for (const text of said(block.code)) {
    const fits = (from: number): number => {
      for (let length = 1; from + length <= lines.length; length++) {
        const joined = lines.slice(from, from + length).join(', ')
        if (joined === text || (joined !== '' && text.startsWith(`${joined}: `))) return from + length
      }
      return -1
    }
    const from = lines.findIndex((_, index) => index >= at && fits(index) !== -1)
    if (from === -1) return `${text}, but this:\n${printed}`
    at = fits(from)
  }
  return undefined
}
