const isAll = process.env.BUNDLE_ALL !== undefined

export default {
  serverExternalPackages: isAll ? [] : ['concurrent-futures'],
  // For a copy without node_modules: Next.js finds the files that are imported, not those that workers
  // start.
  output: 'standalone',
  outputFileTracingIncludes: {
    '/*': isAll ? [] : ['./node_modules/concurrent-futures/**/*', './node_modules/@concurrent-futures/**/*', './tasks.mjs'],
  },
}
