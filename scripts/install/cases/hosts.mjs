// Node.js in other forms: under its permission model, and as a single executable.
import { cpSync, realpathSync } from 'node:fs'
import { ALL_WORKS, installedProject } from '../project.mjs'
import { tool } from '../tools.mjs'

const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/** What the permission model grants, and what is said where that is missing. */
const GRANTS = {
  '--allow-addons': /under --permission with --allow-addons/,
  // Of Node.js 20 only the code of the cause says it.
  '--allow-worker': /--allow-worker|permission: 'WorkerThreads'/,
  '--allow-child-process': /--allow-child-process/,
}

async function helpSays(project, flag) {
  const { stdout } = await project.must(process.execPath, ['--help'])
  return stdout.includes(flag)
}

/** The program in one file, made by whichever way this Node.js has. */
async function makeExecutable(context, project) {
  if (await helpSays(project, '--build-sea')) {
    await project.must(process.execPath, ['--build-sea=build-sea.json'])
    return
  }
  await project.must(process.execPath, ['--experimental-sea-config', 'sea-config.json'])
  cpSync(realpathSync(process.execPath), project.path('program'))
  const [node, script] = await tool(context.scratch, 'postject')
  await project.must(node, [script, 'program', 'NODE_SEA_BLOB', 'program.blob', '--sentinel-fuse', FUSE])
}

export default {
  permission: {
    title: 'under --permission, with leave to read the project, to load addons, and to start workers and children',
    async run(context) {
      const project = await installedProject(context, 'permission', { app: 'basic' })
      const model = (await helpSays(project, '--experimental-permission')) ? '--experimental-permission' : '--permission'
      const read = `--allow-fs-read=${project.folder}`
      const flags = (left) => ['--no-warnings', model, read, ...Object.keys(GRANTS).filter((flag) => flag !== left)]
      await project.works([...flags(), 'main.mjs'])
      for (const [flag, cure] of Object.entries(GRANTS)) await project.fails(cure, [...flags(flag), 'main.mjs'])
    },
  },
  sea: {
    title: 'a single executable with the packages beside it, children included',
    async run(context) {
      const project = await installedProject(context, 'sea', { app: ['basic', 'sea'] })
      await makeExecutable(context, project)
      await project.prints(ALL_WORKS, project.path('program'), [])
    },
    unless: () => (process.platform === 'linux' ? undefined : 'executables of other systems have to be signed'),
  },
}
