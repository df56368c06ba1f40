import workerpool from 'workerpool'
import * as functions from './functions.mjs'

function bounce(bytes) {
  return new workerpool.Transfer(bytes, [bytes.buffer])
}

workerpool.worker({ ...functions, bounce })
