import { fileURLToPath } from 'node:url'

export default {
  mode: 'production',
  target: 'node20',
  entry: { main: './main.mjs', tasks: './tasks.mjs' },
  externals: process.env.BUNDLE_ALL ? {} : { 'concurrent-futures': 'module concurrent-futures' },
  // new URL(…, import.meta.url) stays as it is written.
  module: { parser: { javascript: { importMeta: false, url: false } } },
  experiments: { outputModule: true },
  output: {
    path: fileURLToPath(new URL('./out', import.meta.url)),
    filename: '[name].mjs',
    module: true,
    library: { type: 'module' },
  },
}
