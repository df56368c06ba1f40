// Links out of docs/ lead into the repository: to where it can be read, if package.json says where that is;
// else they are text.
import { posix } from 'node:path'

const LEADS_OUT = /^\.\.\//

/** A plug-in of markdown-it. */
export function repositoryLinks(markdown, address) {
  markdown.core.ruler.push('repository-links', ({ tokens, env }) => {
    const from = posix.join('docs', posix.dirname(env.relativePath ?? ''))
    for (const { children } of tokens) {
      let isText = false
      for (const token of children ?? []) {
        const target = token.type === 'link_open' ? token.attrGet('href') : undefined
        if (target !== undefined && LEADS_OUT.test(target)) {
          const path = posix.join(from, target)
          if (address !== undefined) token.attrSet('href', `${address}/blob/main/${path}`)
          else {
            Object.assign(token, {
              type: 'span_open',
              tag: 'span',
              attrs: [
                ['class', 'in-repository'],
                ['title', path],
              ],
            })
            isText = true
          }
        } else if (isText && token.type === 'link_close') {
          Object.assign(token, { type: 'span_close', tag: 'span' })
          isText = false
        }
      }
    }
  })
}

/** As GitHub makes the anchors of headings. */
export function slugify(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\- _]/gu, '')
    .replaceAll(' ', '-')
}
