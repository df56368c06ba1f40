const { pathToFileURL } = require('node:url')
const { tasks } = require('concurrent-futures')

module.exports = tasks({ url: pathToFileURL(__filename) }, { double: (n) => 2 * n })
