/** Whether Node's permission model lets this process start others. */
import { binding } from '../addon/binding.ts'

/** The addon would start them also where Node may not. */
export function mayStart(): boolean {
  const { permission } = process as { permission?: { has(scope: string): boolean } }
  return permission === undefined || permission.has('child')
}

// Before code runs that could put something into the place of `process.permission`.
if (!mayStart()) binding.forbidChildren()
