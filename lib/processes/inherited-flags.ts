/**
 * Which flags of this process its children get. Those of the engine, of loaders and preloads, of conditions
 * and the like hold there too; those do not that say what this process runs, how it is watched or tested, or
 * where its debugger listens.
 */

/** Flags whose value is the next word, unless it stands behind a `=`. */
const WITH_VALUE: readonly string[] = [
  ...['--eval', '-e', '--input-type', '--run', '--entry-url'],
  ...['--watch-path', '--watch-kill-signal'],
  ...['--test-name-pattern', '--test-skip-pattern', '--test-reporter', '--test-reporter-destination'],
  ...['--test-shard', '--test-concurrency', '--test-timeout', '--test-isolation', '--test-global-setup'],
  ...['--test-coverage-include', '--test-coverage-exclude', '--test-coverage-lines'],
  ...['--test-coverage-branches', '--test-coverage-functions', '--test-random-seed', '--test-rerun-failures'],
  ...['--experimental-test-isolation', '--experimental-test-tag-filter'],
  ...['--inspect-port', '--debug-port', '--inspect-publish-uid'],
  // Of one file, which children would write over.
  ...['--cpu-prof-name', '--heap-prof-name'],
  // What they have set is in the environment already.
  ...['--env-file', '--env-file-if-exists'],
  ...['--build-snapshot-config', '--snapshot-blob', '--experimental-sea-config', '--build-sea'],
  ...['--allow-fs-read', '--allow-fs-write'],
]

/** Flags that stand alone, or have a value behind a `=` only. */
const ALONE: readonly string[] = [
  ...['--print', '-p', '-pe', '--interactive', '-i', '--check', '-c', '--experimental-entry-url'],
  ...['--build-snapshot', '--inspect-brk', '--inspect-brk-node', '--inspect-wait', '--watch'],
  ...['--watch-preserve-output', '--test', '--test-only', '--test-force-exit', '--test-update-snapshots'],
  ...['--test-randomize', '--experimental-test-coverage', '--experimental-test-snapshots'],
  ...['--experimental-test-module-mocks'],
]

/** What a flag's value may be that stands behind it: the program's own text may also begin with a dash. */
const isValue = (next: string | undefined): boolean => next !== undefined && !next.startsWith('-')

/** The flag itself, as Node understands it: `--a_b=c` is `--a-b`. */
function nameOf(word: string): string {
  const end = word.indexOf('=')
  const name = end < 0 ? word : word.slice(0, end)
  return name.startsWith('--') ? name.replaceAll('_', '-') : name
}

/** The name without the `no-` by which a flag is turned off. */
const positive = (name: string): string => name.replace(/^--no-/, '--')

/**
 * The words of `flags` that children get. `isOurs` says which others are left out, because the pool says them
 * itself.
 */
export function inheritedFlags(
  flags: readonly string[],
  isOurs: (flag: string) => boolean = () => false,
): string[] {
  const kept: string[] = []
  for (let at = 0; at < flags.length; at++) {
    const word = flags[at] as string
    const name = nameOf(word)
    const hasOwn = word.includes('=')
    if (WITH_VALUE.includes(name) && (isOurs(word) || !name.startsWith('--allow-'))) {
      if (!hasOwn && isValue(flags[at + 1])) at++
    } else if (name === '--print' || name === '-p' || name === '-pe') {
      // What is printed stands behind it, if it does not come by the standard input.
      if (!hasOwn && isValue(flags[at + 1])) at++
    } else if (name === '--inspect') kept.push(anyPort(word))
    else if (!ALONE.includes(positive(name)) && !isOurs(word)) kept.push(word)
  }
  return kept
}

/** `--inspect` of the same host, at a port that is free: one address cannot be listened at twice. */
function anyPort(word: string): string {
  const [, address = ''] = /=(.*)$/.exec(word) ?? []
  const host = /^\d*$/.test(address) ? '' : address.replace(/:\d+$/, '')
  return host === '' ? '--inspect=0' : `--inspect=${host}:0`
}

/** A word of NODE_OPTIONS: spaces may stand between quotes. */
const WORD = /(?:"(?:\\.|[^"\\])*"|[^\s"])+/g

/** The same for the text of a NODE_OPTIONS that this process was given; as it is, if all of it is kept. */
export function inheritedOptions(text: string, isOurs?: (flag: string) => boolean): string {
  const words = text.match(WORD) ?? []
  const kept = inheritedFlags(words, isOurs)
  const isSame = kept.length === words.length && kept.every((word, index) => word === words[index])
  return isSame ? text : kept.join(' ')
}
