// What BullMQ's sandboxes run.
import * as functions from '../../tasks/functions.mjs'

export default async ({ name, data }) => functions[name](data)
