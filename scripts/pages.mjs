// The pages that are packed, with links that work where they are read: README.md stands on the registry's
// page and in node_modules, where most of what it links to is not.
//
// With a `repository` in package.json, links lead to the files of this version there. Without one
// what is not packed is named instead of linked. docs/ is never packed.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path/posix'
import { root } from './command.mjs'

/** Blocks of code, which are left as they are. */
const FENCES = /(^```[^]*?^```$)/m
const LINK = /(!?)\[((?:`[^`\n]*`|[^[\]`])*)\]\(([^()\s]+)\)|`[^`\n]*`/g

const isRelative = (target) => !/^([a-z]+:|#)/i.test(target)

/** Changes each relative link of a page; `change` gets its parts, and the path that it leads to. */
function mapLinks(page, text, change) {
  const ofProse = (prose) =>
    prose.replace(LINK, (all, image, title, target) => {
      if (target === undefined || !isRelative(target)) return all
      const [path, anchor] = target.split('#')
      return change({ all, image, title, anchor, path: join(dirname(page), path).replace(/\/$/, '') })
    })
  return text
    .split(FENCES)
    .map((part, index) => (index % 2 === 0 ? ofProse(part) : part))
    .join('')
}

/** The paths that the relative links of a page lead to, from the root. */
export function linkedPaths(page, text) {
  const paths = []
  mapLinks(page, text, ({ all, path }) => {
    paths.push(path)
    return all
  })
  return paths
}

/** Where the repository can be read, from what package.json says of it. */
export function webAddress(repository) {
  const url = typeof repository === 'string' ? repository : repository?.url
  return url?.replace(/^git\+/, '').replace(/\.git$/, '')
}

/** The page with links to the files of a tag. */
export function withAbsoluteLinks(page, text, address, tag) {
  return mapLinks(page, text, ({ image, title, anchor, path }) => {
    const kind = image === '' ? 'blob' : 'raw'
    return `${image}[${title}](${address}/${kind}/${tag}/${path}${anchor === undefined ? '' : `#${anchor}`})`
  })
}

/** The page without links to what `isPacked` does not know: paths stand in their place. */
export function withoutLostLinks(page, text, isPacked) {
  return mapLinks(page, text, ({ all, title, path }) => {
    if (isPacked(path)) return all
    const name = `\`${path}\``
    return [name, path].includes(title) || path.endsWith(`/${title}`) ? name : `${title} (${name})`
  })
}

const BESIDE = ['CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md']

/**
 * The texts of the pages by their paths.
 *
 * @param files - what else is packed: files, and folders with all that they hold
 */
export function packedPages({ repository, version }, files) {
  const address = webAddress(repository)
  const pages = address === undefined ? ['README.md', ...BESIDE] : ['README.md']
  const isPacked = (path) =>
    [...files, ...pages].some((each) => path === each || (path.startsWith(`${each}/`) && existsSync(join(root, path))))
  return new Map(
    pages.map((page) => {
      const text = readFileSync(join(root, page), 'utf8')
      const changed = address === undefined ? withoutLostLinks(page, text, isPacked) : withAbsoluteLinks(page, text, address, `v${version}`)
      return [page, changed]
    }),
  )
}
