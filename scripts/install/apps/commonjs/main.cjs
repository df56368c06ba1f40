const assert = require('node:assert')
const required = require('concurrent-futures')
const { all } = require('./all.cjs')
const { double } = require('./tasks.cjs')

async function main() {
  const imported = await import('concurrent-futures')
  for (const name of Object.keys(required)) assert.equal(imported[name], required[name], name)
  await all(double, console.log)
}

main()
