/**
 * Names that tools put into a function's source, as compilers and counters of coverage do: they mean
 * something in the tool's own output only, and a function sent as source leaves it.
 */
import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { define } from '../host/define.ts'

/** What names a function (esbuild's `keepNames`, so tsx), and what Vite, so Vitest, makes of `import()`. */
const KEEP_NAME = '__name'
const IMPORT = '__vite_ssr_dynamic_import__'

/**
 * The names that a source mentions and that can be had here, as the parameters of a function around it, and
 * their values. `load` is `import()` as the source would have it.
 */
export function namesIn(
  source: string,
  load: () => (specifier: string) => unknown,
): [names: string[], values: unknown[]] {
  const [names, values]: [string[], unknown[]] = [[], []]
  if (source.includes(KEEP_NAME)) {
    names.push(KEEP_NAME)
    values.push(keepName)
  }
  if (source.includes(IMPORT)) {
    names.push(IMPORT)
    const own = load()
    values.push((specifier: unknown) => own(fromVite(String(specifier))))
  }
  return [names, values]
}

/** What Vite calls a file, which is relative to its root, or stands behind a prefix. */
function fromVite(specifier: string): string {
  const prefixed = /^\/@fs(\/.*)$/.exec(specifier)?.[1]
  if (prefixed !== undefined) return pathToFileURL(prefixed).href
  const isOfRoot = specifier.startsWith('/') && !existsSync(specifier)
  return isOfRoot ? pathToFileURL(`${process.cwd()}${specifier}`).href : specifier
}

function keepName(target: object, value: unknown): object {
  define(target, 'name', { value, configurable: true })
  return target
}

const MODULE = 'put the function into a module of its own and use tasks() or moduleTasks()'

/** What a missing name is, as far as its looks tell. */
const TOOLS: readonly [pattern: RegExp, what: string, cure: string][] = [
  [
    /^cov_\w+$/,
    'what istanbul counts coverage with',
    `exclude the function (/* istanbul ignore next */), or ${MODULE}`,
  ],
  [/^__vite_ssr_\w+__$|^__vi_import_\d+__$/, 'what Vite, so Vitest, makes of import', MODULE],
  [/^stry(NS|Cov|MutAct)_\w+$/, 'what Stryker puts into mutants', MODULE],
  [/^__webpack_\w+$|__WEBPACK_\w+__$/, 'what webpack makes of import', MODULE],
  [
    /^__(async|await|asyncGenerator|yieldStar|forAwait|spreadValues|spreadProps|objRest|restKey|publicField)$/,
    'a function of esbuild that stands in for newer syntax',
    `compile for a newer target, or ${MODULE}`,
  ],
  [
    /^__(private\w+|accessCheck|super\w*|pow|template|using|callDispose|require|to(ESM|CommonJS)|decorate\w+)$/,
    'a function of esbuild that stands in for syntax',
    `compile for a newer target, or ${MODULE}`,
  ],
  [
    /^__(awaiter|generator|assign|rest|spread(Array|Arrays)?|read|values|asyncValues|classPrivateField\w+)$/,
    'a function of TypeScript that stands in for newer syntax',
    `compile for a newer target, or ${MODULE}`,
  ],
  [/^tslib_\d+$/, "TypeScript's importHelpers", `compile for a newer target, or ${MODULE}`],
  [
    /^_(async_?to_?generator|regenerator\w*|object_?spread\w*|define_?property|class_?private_?\w+)$/i,
    'a function of Babel or SWC that stands in for newer syntax',
    `compile for a newer target, or ${MODULE}`,
  ],
]

const SURROUNDINGS =
  'a function sent as source cannot use variables of its surroundings: ' +
  'pass them as arguments, or put the function into a module and use tasks()'

/** What is probably wrong where a function sent as source misses a name. */
export function hintFor(name: string): string {
  const tool = TOOLS.find(([pattern]) => pattern.test(name))
  if (tool === undefined) return SURROUNDINGS
  const [, what, cure] = tool
  return `it is ${what}, and a function sent as source leaves that behind: ${cure}`
}
