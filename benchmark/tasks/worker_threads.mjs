import { parentPort } from 'node:worker_threads'
import * as functions from './functions.mjs'

const bounce = (bytes) => bytes

function call([slot, name, argument]) {
  try {
    return [slot, name === 'bounce' ? bounce(argument) : functions[name](argument)]
  } catch (error) {
    return [slot, undefined, error]
  }
}

// A call is [slot, name, argument], and a batch a list of calls.
parentPort.on('message', (message) => {
  if (Array.isArray(message[0])) parentPort.postMessage(message.map(call), moved(message))
  else parentPort.postMessage(call(message), moved([message]))
})

function moved(calls) {
  return calls.filter(([, name]) => name === 'bounce').map(([, , bytes]) => bytes.buffer)
}
