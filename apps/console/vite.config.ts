/**
 * How the console is built: into the server's package, with hashed names, compressed beside every file, and
 * without anything inline, so that it runs under a policy of `script-src 'self'; style-src 'self'`.
 */
import { readFileSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defaultClientConditions, defineConfig, type Plugin } from 'vite'

const output = '../../packages/server/console'

/** What every page needs of others; the charts' library is loaded with the first chart, popovers with the gallery. */
const libraries =
  /node_modules\/(react|react-dom|scheduler|@radix-ui(?!\/react-popover\/)|@floating-ui|react-remove-scroll|aria-hidden)\//

export default defineConfig({
  plugins: [react(), layered(), themeBoot(), compressed()],
  resolve: { conditions: ['source', ...defaultClientConditions] },
  build: {
    outDir: output,
    emptyOutDir: true,
    sourcemap: false,
    // An inlined icon or font would need `data:` in more policies than images.
    assetsInlineLimit: 0,
    // All that we build for can preload modules by themselves.
    modulePreload: { polyfill: false },
    // Together they compress best, and they stay as they are from one release to the next.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'libraries', test: libraries }] } } },
    // The first versions that know `light-dark()`, which the colours are written in.
    target: ['chrome123', 'firefox120', 'safari17.5'],
    reportCompressedSize: false,
  },
})

/**
 * Layers lie in the order in which they are first named, and nothing promises in which order a bundler puts sheets.
 * So every sheet of ours begins by naming them all.
 */
function layered(): Plugin {
  const order = '@layer tokens, base, belfry, components, shell, pages, utilities;\n'
  const source = join(import.meta.dirname, 'src')
  return {
    name: 'belfry-layers',
    enforce: 'pre',
    transform: {
      filter: { id: /\.css$/ },
      handler: (code, id) => (id.startsWith(source) ? { code: order + code, map: null } : undefined),
    },
  }
}

/**
 * The stored theme must be in force before the first paint. A module script runs too late and an inline script
 * is refused by the policy, so a small classic script is loaded from the head.
 */
function themeBoot(): Plugin {
  let reference = ''
  return {
    name: 'belfry-theme-boot',
    apply: 'build',
    buildStart() {
      const source = readFileSync(join(import.meta.dirname, 'src/design/theme-boot.js'), 'utf8')
      reference = this.emitFile({ type: 'asset', name: 'theme.js', source })
    },
    transformIndexHtml: {
      order: 'post',
      handler(_html, context) {
        const asset = Object.values(context.bundle ?? {}).find(
          (file) => file.type === 'asset' && file.names.includes('theme.js'),
        )
        if (asset === undefined) throw new Error(`The theme script was not built (${reference}).`)
        return [{ tag: 'script', attrs: { src: `/${asset.fileName}` }, injectTo: 'head-prepend' }]
      },
    },
  }
}

/** Writes `.br` and `.gz` beside every file over 1 KB, so that the server never compresses a file twice. */
function compressed(): Plugin {
  const toGzip = promisify(gzip)
  const toBrotli = promisify(brotliCompress)
  return {
    name: 'belfry-compressed',
    apply: 'build',
    async closeBundle() {
      const folder = join(import.meta.dirname, output)
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || /\.(br|gz)$/.test(entry.name)) continue
        const file = join(entry.parentPath, entry.name)
        const content = await readFile(file)
        if (content.byteLength <= 1024) continue
        await writeFile(`${file}.gz`, await toGzip(content, { level: 9 }))
        await writeFile(
          `${file}.br`,
          await toBrotli(content, {
            params: {
              [constants.BROTLI_PARAM_QUALITY]: 11,
              [constants.BROTLI_PARAM_SIZE_HINT]: content.byteLength,
            },
          }),
        )
      }
    },
  }
}
