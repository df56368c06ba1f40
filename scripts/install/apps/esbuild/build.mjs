import { build } from 'esbuild'

await build({
  entryPoints: ['main.mjs', 'tasks.mjs'],
  bundle: true,
  platform: 'node',
  format: 'esm',
  splitting: true,
  outdir: 'out',
  outExtension: { '.js': '.mjs' },
  external: process.env.BUNDLE_ALL ? [] : ['concurrent-futures'],
})
