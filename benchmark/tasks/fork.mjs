import * as functions from './functions.mjs'

function call([slot, name, argument]) {
  try {
    return [slot, functions[name](argument)]
  } catch (error) {
    return [slot, undefined, error]
  }
}

// A call is [slot, name, argument], and a batch a list of calls.
process.on('message', (message) => process.send(Array.isArray(message[0]) ? message.map(call) : call(message)))
