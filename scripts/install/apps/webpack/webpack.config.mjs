import { fileURLToPath } from 'node:url'

export default {
  mode: 'production',
  target: 'node20',
  entry: { main: './main.mjs' },
  externals: process.env.BUNDLE_ALL ? {} : { 'concurrent-futures': 'module concurrent-futures' },
  experiments: { outputModule: true },
  output: { path: fileURLToPath(new URL('./out', import.meta.url)), filename: '[name].mjs', module: true },
}
