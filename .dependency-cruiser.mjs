// What of lib/ may import what, for dependency-cruiser: scripts/layers.mjs runs it, as the suite
// `layers` of `npm test`.
//
// The folders stand in the order of LAYERS, and each imports only what stands below it; an import of a type
// is an import. `worker` stands above `threads` and `processes`, which start it: its entry runs by its URL,
// in a thread or process of its own, and nobody imports it. `distributed` is an entry of the package, which
// has no copy of what the main one has: inner.ts gives it that.

/** From the top down: the folders, and index.ts and inner.ts, which re-export. */
export const LAYERS = [
  'cli',
  'distributed',
  'index.ts',
  'inner.ts',
  'worker',
  'processes',
  'threads',
  'pool',
  'executor',
  'tasks',
  'values',
  'future',
  'ports',
  'options',
  'diagnostics',
  'errors',
  'host',
  'addon',
]

const escape = (text) => text.replace('.', '\\.')
const pathOf = (layer) => (layer.endsWith('.ts') ? `^lib/${escape(layer)}$` : `^lib/${layer}/`)

/** The file that knows bullmq. */
const PEER = '^lib/distributed/peer\\.ts$'
const OURS = '^(lib/|index\\.js$)'
/** What is loaded from dist/. */
const ENTRIES = ['distributed', 'index.ts', 'inner.ts']

const downwards = LAYERS.slice(1).map((layer, index) => ({
  name: `${layer}-imports-downwards`,
  comment: `${layer} imports only what stands below it: ${LAYERS.slice(index + 2).join(', ') || 'nothing'}`,
  severity: 'error',
  from: { path: pathOf(layer) },
  to: { path: LAYERS.slice(0, index + 1).map(pathOf) },
}))

const rules = [
  ...downwards,
  {
    name: 'every-file-has-a-layer',
    comment: 'a file lies in a folder of LAYERS: one that lies elsewhere could import what it likes',
    severity: 'error',
    from: { path: '^lib/' },
    to: { path: '^lib/', pathNot: LAYERS.map(pathOf) },
  },
  {
    name: 'no-layer-no-imports',
    comment: 'the same, seen from the file',
    severity: 'error',
    from: { path: '^lib/', pathNot: LAYERS.map(pathOf) },
    to: {},
  },
  {
    name: 'no-circle-of-files',
    comment: 'two files that import each other are one file, or want a third',
    severity: 'error',
    from: {},
    to: { circular: true },
  },
  {
    name: 'binding-only-in-addon',
    comment: "the addon's functions are typed in one place: lib/addon",
    severity: 'error',
    from: { path: '^lib/', pathNot: pathOf('addon') },
    to: { path: '^index\\.(js|d\\.ts)$' },
  },
  {
    name: 'imports-resolve',
    comment: 'an import that leads nowhere is one that no rule sees',
    severity: 'error',
    from: { path: '^lib/' },
    to: { couldNotResolve: true },
  },
  {
    name: 'no-packages',
    comment: 'the package has no dependencies at run time but its own binary',
    severity: 'error',
    from: { path: '^lib/', pathNot: PEER },
    to: { pathNot: OURS, dependencyTypesNot: ['core'] },
  },
  {
    name: 'peer-knows-bullmq',
    comment: 'the file that knows bullmq knows no other package',
    severity: 'error',
    from: { path: PEER },
    to: { pathNot: [OURS, '(^|/)bullmq(/|$)'], dependencyTypesNot: ['core'] },
  },
]

const options = {
  // TypeScript 7 has no compiler API for others. Of the parsers that dependency-cruiser knows, swc sees
  // imports of types and needs no second TypeScript.
  parser: 'swc',
  tsPreCompilationDeps: true,
  doNotFollow: { path: '^(node_modules|index\\.js)' },
}

export default { forbidden: rules, options }

/** What only types may be imported of, which the parser does not tell from values: from where, and what. */
export const onlyTypes = [
  {
    name: 'values-by-inner',
    comment: 'a value that another entry imports from elsewhere would be a second copy of it',
    from: { path: pathOf('distributed') },
    to: { path: '^lib/', pathNot: `${pathOf('distributed')}|${pathOf('inner.ts')}` },
  },
  {
    name: 'types-of-bullmq',
    comment: 'bullmq is required when the entry is loaded, and is not in its bundle',
    from: { path: PEER },
    to: { path: '^bullmq' },
  },
  {
    name: 'commands-load-entries',
    comment: 'a command that imports what the entries are made of has a second copy of it: it loads dist/',
    from: { path: pathOf('cli') },
    to: { path: ENTRIES.map(pathOf).join('|') },
  },
]

/** The same for whole folders: each is one module, with the imports of all its files. */
export const folders = {
  forbidden: [
    {
      name: 'no-circle-of-folders',
      comment: 'folders that import each other are one folder',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
  ],
  options: { ...options, collapse: '^lib/[^/]+' },
}
