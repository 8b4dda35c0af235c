// The library's entry: the TypeScript sources in a checkout, the compiled ones in an installed package,
// because Node refuses to strip types below node_modules.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'

const NODE_MAJOR_MIN = 26
if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
  throw new Error(
    `strongroom needs Node.js ${NODE_MAJOR_MIN} or later as a library; this is ${process.version}. ` +
      'The strongroom command brings its own Node.js and has no such need.',
  )
}

const inCheckout = existsSync(new URL('./src/index.ts', import.meta.url))
// require instead of a top-level await, so that CommonJS programs can require the library, too.
export const { startStrongroom } = createRequire(import.meta.url)(
  inCheckout ? './src/index.ts' : './dist/index.js',
)
