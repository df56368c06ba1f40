const { createWriteStream, mkdirSync } = require('node:fs')
const browserify = require('browserify')

mkdirSync('out', { recursive: true })
const bundle = browserify('main.js', { node: true })
if (!process.env.BUNDLE_ALL) bundle.external('concurrent-futures')
const fail = (error) => {
  console.error(error)
  process.exit(1)
}
bundle.bundle().on('error', fail).pipe(createWriteStream('out/main.cjs'))
