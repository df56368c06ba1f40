const { join } = require('path')
const { pathToFileURL } = require('url')
const { moduleTasks } = require('concurrent-futures')
const { all } = require('./all.cjs')

// The tasks lie beside the bundle, as they are.
const { double } = moduleTasks(pathToFileURL(join(__dirname, 'tasks.cjs')))

all(double, console.log)
