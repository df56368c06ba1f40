// Not through webpack-cli, whose versions for webpack 4 ask for an older Node.js.
const { join } = require('node:path')
const webpack = require('webpack-4')

const configuration = {
  mode: 'production',
  target: 'node',
  context: __dirname,
  entry: { main: './main.js' },
  externals: process.env.BUNDLE_ALL ? {} : { 'concurrent-futures': 'commonjs concurrent-futures' },
  node: { __dirname: false, __filename: false },
  output: { path: join(__dirname, 'out'), filename: '[name].cjs' },
}

webpack(configuration, (error, stats) => {
  if (error || stats.hasErrors()) {
    console.error(error ?? stats.toString('errors-only'))
    process.exitCode = 1
  }
})
