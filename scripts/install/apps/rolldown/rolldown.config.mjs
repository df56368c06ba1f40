export default {
  platform: 'node',
  input: ['main.mjs', 'tasks.mjs'],
  external: process.env.BUNDLE_ALL ? [] : ['concurrent-futures'],
  output: { dir: 'out', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' },
}
