/**
 * Makes values anew that were written by a template; see template/codes.ts. Of each template the reader makes
 * a function once: one object literal, with the texts and numbers read in the order in which they stand.
 */
import { compileFunction } from 'node:vm'
import { binding } from '../../addon/binding.ts'
import { parseJson, toJson } from '../../host/json.ts'
import { URL } from '../../host/url.ts'
import {
  ARRAY,
  EIGHT_BYTES,
  END,
  FLAG,
  FOUR_BYTES,
  HEAD,
  MOST_SHORT,
  MOST_SMALL,
  NULL,
  NUMBER,
  NUMBERS,
  OBJECT,
  TEXT,
  TEXTS,
  TWO_BYTES,
  WIDE,
} from './codes.ts'

type Reader = (string: string, double: (string: string, at: number) => number) => unknown

const readers: Reader[] = []

/** Makes a value anew. */
export function readTemplate(string: string): unknown {
  const number = string.charCodeAt(0) | (string.charCodeAt(1) << 8)
  const reader = (readers[number] ??= compile(binding.templatePath(number)))
  return reader(string, readDouble)
}

const double: Float64Array = new Float64Array(1)
const bytes: Uint8Array = new Uint8Array(double.buffer)

function readDouble(string: string, at: number): number {
  for (let index = 0; index < 8; index++) bytes[index] = string.charCodeAt(at + index)
  return double[0] as number
}

// `s` is the string, `c` where its next code is, `t` where its next text begins; `x` is a code.
const CODE = 's.charCodeAt(c++)'
const WIDE_CODE = `${CODE}|${CODE}<<8`
const PART = `(x=${CODE})<=${MOST_SHORT}?s.slice(t,t+=x):x===${WIDE}?s.slice(t,t+=${WIDE_CODE})`
const DIGITS =
  `(x=${CODE})<=${MOST_SMALL}?x:x===${TWO_BYTES}?${WIDE_CODE}:` +
  `x===${FOUR_BYTES}?${WIDE_CODE}|${CODE}<<16|${CODE}<<24:` +
  `x===${EIGHT_BYTES}?d(s,(c+=8)-8)`
const NOTHING = `x===${NULL}?null:void 0`

/** The code that reads what differs. */
const READ: Record<number, string> = {
  [TEXT]: `${PART}:${NOTHING}`,
  [NUMBER]: `${DIGITS}:${NOTHING}`,
  [FLAG]: `(x=${CODE})===0?false:x===1?true:${NOTHING}`,
}
const READ_ITEM: Record<number, string> = { [TEXTS]: `${PART}:''`, [NUMBERS]: `${DIGITS}:0` }

// Its frames are the package's own (frames.rs).
const filename = new URL('template.js', import.meta.url).href

function compile(path: string): Reader {
  const steps = parseJson(path) as (string | number)[]
  let code = `let c=${HEAD},t=s.charCodeAt(2)|s.charCodeAt(3)<<8,x,n;\n`
  let values = 0
  // After the outermost kind, which has no key.
  let at = 2
  const add = (expression: string): string => {
    code += `const v${values}=${expression};\n`
    return `v${values++}`
  }
  const literal = (kind: number): string => {
    const read = READ[kind]
    if (read !== undefined) return add(read)
    const item = READ_ITEM[kind]
    if (item !== undefined) {
      const list = add('[]')
      code += `for(n=${CODE};n>0;n--)${list}.push(${item});\n`
      return list
    }
    const parts: string[] = []
    for (;;) {
      const [inner, key] = [steps[at++] as number, steps[at++] as string]
      if (inner === END) break
      const value = literal(inner)
      parts.push(kind === OBJECT ? `${toJson(key)}:${value}` : value)
    }
    return kind === ARRAY ? `[${parts.join(',')}]` : `{${parts.join(',')}}`
  }
  const value = literal(steps[0] as number)
  return compileFunction(`${code}return ${value}`, ['s', 'd'], { filename }) as Reader
}
