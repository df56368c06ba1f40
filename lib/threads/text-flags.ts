/**
 * The flags that speak of the program's own text, where that is no file: `-e` and its like, and
 * `--input-type`.
 */

const TEXT_FLAG = /^(--input-type|--eval|--print|-e|-p|-pe)(=|$)/

/** Whether flags tell Node what kind of module the program's text is, so that it takes no file for one. */
export function haveInputType(flags: readonly string[]): boolean {
  return flags.some((flag) => flag.startsWith('--input-type'))
}

/** The same of the flags that this thread inherits, which {@link dropTextFlags} takes out of the list. */
export const inheritsInputType: boolean = haveInputType(process.execArgv ?? [])

/**
 * Takes the flags out of a worker's own list, which `child_process.fork` passes on: a child would run the
 * program's text instead of its own file.
 */
export function dropTextFlags(flags: string[]): void {
  for (let at = flags.length - 1; at >= 0; at--) {
    const match = TEXT_FLAG.exec(flags[at] as string)
    if (match === null) continue
    // The text, or its type, is the next one, unless it stands behind a `=`.
    const hasNext = match[2] === '' && flags[at + 1]?.startsWith('-') === false
    flags.splice(at, hasNext ? 2 : 1)
  }
}
