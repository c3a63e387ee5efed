/**
 * Keeps the documents true: what they say of codes, settings, commands, paths, names and limits is compared with the
 * code, and every link leads somewhere. Each check is also shown to catch what it is there for.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, posix } from 'node:path'
import { errorCatalogue } from '@belfry/contract'
import { describe, expect, it } from 'vitest'
import { startRefusals } from '../packages/server/src/engine/start-refusal.ts'
import { settingsReference } from '../packages/server/src/server/settings.ts'
import { eventsPage } from './events-page.ts'

const root = join(import.meta.dirname, '..')
const serverSources = 'packages/server/src'
/** Made by a build: a clone that was just checked out has none of it. */
const generated = /^packages\/server\/(?:dist|console)(?:\/|$)/

/** By path from the root of the repository. */
type Documents = ReadonlyMap<string, string>

const files = listFiles('')
const documents: Documents = new Map(
  files.filter(isDocument).map((path) => [path, withPlainTables(read(path))]),
)
const sources = new Map(files.filter(isSource).map((path) => [path, read(path)]))
const allSources = [...sources.values()].join('\n')
const usages = readUsages()
/** Without comments, which may speak of anything. */
const code = allSources.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')

const checks: Record<string, (documents: Documents) => string[]> = {
  'the error page has every code, status and sentence, and no others': checkErrors,
  'the configuration page is what the settings are': checkConfiguration,
  'the event page is what the contracts are': checkEvents,
  'examples of tests are run as they stand': checkTestedExamples,
  'links and images lead to something': checkLinks,
  'paths exist': checkPaths,
  'names in the architecture exist': checkNames,
  'limits stand in the code as they are quoted': checkLimits,
  'each promise has a number of its own': checkPromises,
  'settings exist': checkSettings,
  'commands and their options exist': checkCommands,
  'stages of ./test are told, all of them': checkStages,
  'the index of decisions is complete': checkDecisions,
  'versions are this one': checkVersions,
  'code of the examples is what they are': checkExamples,
  'words are plain, finished, and of no particular machine': checkWords,
}

describe('the documents', () => {
  it('are found', () => {
    expect([...documents.keys()]).toEqual(
      expect.arrayContaining(['README.md', 'ARCHITECTURE.md', 'docs/errors.md', 'docs/adr/README.md']),
    )
    expect(files).toContain('LICENSE')
  })

  it.each(Object.entries(checks))('are true: %s', (_, check) => {
    expect(check(documents)).toEqual([])
  })
})

/** A fault: in which document, what is replaced by what (at the end if nothing is), and how it is told. */
type Fault = readonly [
  name: string,
  document: string,
  replaced: string | RegExp,
  by: string,
  complaint: string,
]

const faults: readonly Fault[] = [
  ['a missing code', 'docs/errors.md', '### `forbidden`', '### Forbidden', 'has no section for forbidden'],
  [
    'a code that is none',
    'docs/errors.md',
    '### `forbidden`',
    '### `forbiden`',
    'forbiden is no code of errorCatalogue',
  ],
  [
    'a missing start refusal',
    'docs/errors.md',
    '### `disk_full`',
    'Disk full.',
    'has no section for disk_full',
  ],
  ['a start refusal that is none', 'docs/errors.md', '', '\n### `no_luck`\n', 'no_luck is no code'],
  [
    'a code in the other table',
    'docs/errors.md',
    '### `disk_full`',
    '### `not_found`',
    'not_found is no code of startRefusals',
  ],
  ['a wrong status', 'docs/errors.md', '**403**', '**404**', 'the section forbidden does not begin with'],
  ['a wrong retry', 'docs/errors.md', 'retry: yes', 'retry: no', 'cooling_down does not begin with'],
  ['a wrong sentence', 'docs/errors.md', 'Sign in first.\n', 'Sign in.\n', 'unauthenticated does not'],
  [
    'a wrong sentence of a start',
    'docs/errors.md',
    'listens on the port.',
    'has it.',
    'port_in_use does not',
  ],
  ['a wrong default', 'docs/configuration.md', '`3000`', '`3001`', 'is not what'],
  ['a setting that is gone', 'docs/configuration.md', /\n\| `HOST`.*/, '', 'is not what'],
  ['a section by hand', 'docs/configuration.md', '# Configuration\n', '# C\n\n## More\n', 'is not what'],
  ['a link to nothing', 'README.md', '(SECURITY.md)', '(SAFETY.md)', 'SAFETY.md leads nowhere'],
  ['a link out of a folder', 'docs/operations.md', '../SECURITY.md', 'SECURITY.md', 'docs/SECURITY.md leads'],
  ['an image that is not there', 'README.md', 'light.png"', 'bright.png"', 'bright.png leads nowhere'],
  ['an anchor to nothing', 'README.md', '#what-comes-next', '#what-came', 'has no heading for #what-came'],
  ['an anchor elsewhere', 'docs/operations.md', 'errors.md#schema_newer', 'errors.md#older', '#older'],
  ['a path', 'STYLE.md', '`tooling/floors.ts`', '`tooling/walls.ts`', 'tooling/walls.ts does not exist'],
  ['a short path', 'ARCHITECTURE.md', '`engine/testing`', '`engine/tests`', 'engine/tests does not exist'],
  ['a bare file', 'ARCHITECTURE.md', '`routes.ts`', '`paths.ts`', 'paths.ts does not exist'],
  [
    'a path in a command',
    'CONTRIBUTING.md',
    'node scripts/prepare.mjs',
    'node scripts/make.mjs',
    'scripts/make.mjs',
  ],
  ['a function', 'ARCHITECTURE.md', '`takeOver()`', '`adopt()`', 'adopt is nowhere in the code'],
  ['a type', 'ARCHITECTURE.md', '`PreparationStale`', '`PlanStale`', 'PlanStale is nowhere'],
  ['a limit', 'ARCHITECTURE.md', 'waitingMax = 10_000', 'waitingMax = 1_000', 'does not hold "waitingMax'],
  ['a promise', 'ARCHITECTURE.md', '**I56**', '**I55**', 'I55 stands twice'],
  ['a setting', 'SECURITY.md', 'TRUST_PROXY', 'TRUSTED_PROXY', 'TRUSTED_PROXY is no setting'],
  ['a command', 'docs/operations.md', 'belfry backup monday', 'belfry dump monday', 'no command "dump"'],
  ['a command in words', 'docs/errors.md', 'Run "belfry link"', 'Run "belfry ticket"', 'no command "ticket"'],
  [
    'an event that is none',
    'docs/events.md',
    'system:message',
    'system:massage',
    'docs/events.md is not what',
  ],
  ['an example', 'docs/testing.md', "advance('11m')", "advance('9m')", 'shows what is in none of its tests'],
  ['an option', 'docs/operations.md', '--replace', '--force', '"belfry restore" has no option --force'],
  ['an action', 'CONTRIBUTING.md', 'migrate create', 'migrate new', '"belfry migrate" knows no "new"'],
  ['a stage', 'CONTRIBUTING.md', '--only unit', '--only units', 'no stage "units"'],
  ['a stage not told', 'CONTRIBUTING.md', '| `node22` |', '| 22 |', 'stages in CONTRIBUTING.md'],
  ['a script of npm', 'CONTRIBUTING.md', 'npm run build', 'npm run make', 'no script "make"'],
  ['a decision not listed', 'docs/adr/README.md', /\n\| \[0002\].*/, '', '0002-an-embedded'],
  ['a decision not in the map', 'ARCHITECTURE.md', /\n\| \[0005\].*/, '', '0005-sign-in'],
  ['a title that differs', 'docs/adr/README.md', 'by a link that', 'by links that', 'is not the title'],
  [
    'a decision without a section',
    'docs/adr/0004-http-shell-on-fastify-behind-described-routes.md',
    '## When to revisit',
    '## Later',
    'lacks "## When to revisit"',
  ],
  [
    'code that no example holds',
    'docs/hosts.md',
    'httpServer: http',
    'httpServer: web',
    'is not in examples/node',
  ],
  [
    'a file that is not whole',
    'docs/first-live-feature.md',
    "import { z } from 'zod'\n",
    '',
    'is not examples/first-live-feature/contract.ts',
  ],
  ['an example that is none', 'docs/hosts.md', 'from: examples/node', 'from: examples/deno', 'examples/deno'],
  ['a mark without code', 'docs/hosts.md', '-->\n```ts', '-->\n\n```ts', 'no block of code follows a mark'],
  ['an old version', 'README.md', /Belfry \d+\.\d+\.\d+ is/, 'Belfry 0.0.1 is', 'version 0.0.1'],
  // Put together here, so that this file does not name what it forbids.
  ['a path of a machine', 'STYLE.md', '', `\nSee ${'/tm'}p/notes.\n`, 'a path of a machine'],
  ['a home', 'README.md', '/var/lib/belfry', `${'/hom'}e/ada/belfry`, 'a path of a machine'],
  ['a host', 'STYLE.md', '', '\nhttps://registry.acme.dev/x\n', 'a host'],
  ['something left to do', 'STYLE.md', '', `\n${'TO'}${'DO'}: finish\n`, 'something left to do'],
  ['an empty place', 'STYLE.md', '', '\nFIGURES\n', 'something left to do'],
  ['an emoji', 'STYLE.md', '', '\nWell done 🎉\n', 'an emoji'],
  ['a big word', 'STYLE.md', '', `\nA ${'seam'}less way.\n`, 'a big word'],
]

describe('a fault in the documents is told', () => {
  const known = new Set(complaintsAbout(documents))

  it.each(faults)('%s', (_, path, replaced, by, complaint) => {
    const before = documents.get(path) ?? ''
    const after = replaced === '' ? before + by : before.replace(replaced, by)
    expect(after, 'the fault was not planted').not.toBe(before)
    const found = complaintsAbout(new Map([...documents, [path, after]])).filter((one) => !known.has(one))
    expect(found.join('\n')).toContain(complaint)
  })

  it('a document that is gone', () => {
    const without = new Map([...documents].filter(([path]) => path !== 'SECURITY.md'))
    expect(complaintsAbout(without).join('\n')).toContain('SECURITY.md leads nowhere')
  })
})

function complaintsAbout(documents: Documents): string[] {
  return Object.values(checks).flatMap((check) => check(documents))
}

function checkErrors(documents: Documents): string[] {
  const [, requests = '', starts = ''] = (documents.get('docs/errors.md') ?? '').split(
    /^## Refusals of a .*$/m,
  )
  const requestRows = Object.entries(errorCatalogue).map(([code, { status, retry, sentence }]) => {
    return [code, `**${status}**, retry: ${retry ? 'yes' : 'no'}. ${sentence}`] as const
  })
  return [
    ...compareSections('errorCatalogue', requests, new Map(requestRows)),
    ...compareSections('startRefusals', starts, new Map(Object.entries(startRefusals))),
  ]
}

function compareSections(table: string, text: string, rows: ReadonlyMap<string, string>): string[] {
  const sections = new Map(
    [...text.matchAll(/^### `(\w+)`$(?:\n\n(.*))?/gm)].map(([, code, line]) => [code, line]),
  )
  const missing = [...rows.keys()].filter((code) => !sections.has(code))
  return [
    ...missing.map((code) => `docs/errors.md has no section for ${code} of ${table}.`),
    ...[...sections].flatMap(([code = '', line]) => {
      const expected = rows.get(code)
      if (expected === undefined) return [`docs/errors.md: ${code} is no code of ${table}.`]
      if (line === expected) return []
      return [`docs/errors.md: the section ${code} does not begin with "${expected}".`]
    }),
  ]
}

function checkConfiguration(documents: Documents): string[] {
  const text = documents.get('docs/configuration.md') ?? ''
  const reference = text.slice(text.search(/^## /m)).trimEnd()
  if (reference === withPlainTables(settingsReference()).trimEnd()) return []
  return ['docs/configuration.md is not what "belfry config --reference" prints: CONTRIBUTING.md says how.']
}

function checkEvents(documents: Documents): string[] {
  const text = documents.get('docs/events.md') ?? ''
  if (text.trimEnd() === withPlainTables(eventsPage()).trimEnd()) return []
  return ['docs/events.md is not what the contracts are: run "npm run events".']
}

function checkTestedExamples(documents: Documents): string[] {
  const tests = [...sources].flatMap(([path, text]) =>
    /^packages\/testing\/src\/.*\.test\.ts$/.test(path) ? [text] : [],
  )
  return [...(documents.get('docs/testing.md') ?? '').matchAll(/^```ts\n([\s\S]*?)^```$/gm)]
    .map(([, example = '']) => example)
    .filter((example) => !tests.some((text) => text.includes(example)))
    .map((example) => `docs/testing.md shows what is in none of its tests: ${example}`)
}

function checkLinks(documents: Documents): string[] {
  return [...documents].flatMap(([path, text]) =>
    linksIn(text).flatMap((target) => {
      if (/^https?:/.test(target)) return []
      const [file = '', anchor] = target.split('#')
      const led = file === '' ? path : posix.normalize(posix.join(posix.dirname(path), file))
      const isThere = isDocument(led) ? documents.has(led) : existsSync(join(root, led))
      if (!isThere) return [`${path}: the link to ${led} leads nowhere.`]
      if (anchor === undefined || anchorsOf(documents.get(led) ?? '').has(anchor)) return []
      return [`${path}: ${led} has no heading for #${anchor}.`]
    }),
  )
}

function linksIn(text: string): string[] {
  const prose = withoutCode(text)
  return [
    ...[...prose.matchAll(/\]\(([^)\s]+)\)/g)],
    ...[...prose.matchAll(/(?:src|srcset|href)="([^"]+)"/g)],
  ].map((match) => match[1] ?? '')
}

/** As GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of withoutFences(text).matchAll(/^#{1,6} (.+)$/gm)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const slug = plain.replace(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')
    let anchor = slug
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`
    anchors.add(anchor)
  }
  return anchors
}

function checkPaths(documents: Documents): string[] {
  return [...documents].flatMap(([path, text]) =>
    wordsOfCode(text).flatMap((word) => {
      const target = pathMeantBy(word)
      if (target === undefined || target) return []
      return [`${path}: ${word} does not exist.`]
    }),
  )
}

/** Whether the path is there; `undefined` for words that are none of the repository's. */
function pathMeantBy(word: string): boolean | undefined {
  const plain = word.replace(/\/$/, '')
  if (generated.test(plain)) return undefined
  if (/^(?:\.ci|apps|bench|docs|examples|e2e|packages|scripts|systems|tooling)\/[\w./-]+$/.test(plain))
    return existsSync(join(root, plain))
  if (/^(?:engine|modules|adapters|server|cli)(?:\/[\w.-]+)+$/.test(plain))
    return existsSync(join(root, serverSources, plain))
  if (/^[\w.-]+\.(?:ts|tsx|mjs)$/.test(plain)) return files.some((file) => basename(file) === plain)
  return undefined
}

function checkNames(documents: Documents): string[] {
  const text = documents.get('ARCHITECTURE.md') ?? ''
  const spans = [...withoutFences(text).matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '')
  const names = spans.flatMap(
    (span) => /^(\w+)\(\)$/.exec(span)?.[1] ?? /^[A-Z][a-z]\w+$/.exec(span)?.[0] ?? [],
  )
  return [...new Set(names)]
    .filter((name) => !new RegExp(`\\b${name}\\b`).test(code))
    .map((name) => `ARCHITECTURE.md: ${name} is nowhere in the code.`)
}

function checkLimits(documents: Documents): string[] {
  const rows = [...(documents.get('ARCHITECTURE.md') ?? '').matchAll(/\| `([^`]+)` in `([^`]+)` \|$/gm)]
  if (rows.length === 0) return ['ARCHITECTURE.md quotes no limit.']
  return rows
    .filter(
      ([, quoted = '', file = '']) =>
        !holds(sources.get(file) ?? sources.get(`${serverSources}/${file}`), quoted),
    )
    .map(([, quoted, file]) => `ARCHITECTURE.md: ${file} does not hold "${quoted}".`)
}

function checkPromises(documents: Documents): string[] {
  const numbers = [...(documents.get('ARCHITECTURE.md') ?? '').matchAll(/^- \*\*(I\d+)\*\*/gm)].map(
    ([, number]) => number ?? '',
  )
  if (numbers.length === 0) return ['ARCHITECTURE.md promises nothing.']
  return numbers
    .filter((number, index) => numbers.indexOf(number) !== index)
    .map((number) => `ARCHITECTURE.md: ${number} stands twice.`)
}

/** `max = 10` is not held by `max = 100`. */
function holds(text: string | undefined, quoted: string): boolean {
  return text?.split(quoted).some((rest, index) => index > 0 && !/^[\w.]/.test(rest)) === true
}

function checkSettings(documents: Documents): string[] {
  const settings = new Set([...settingsReference().matchAll(/^\| `(\w+)`/gm)].map((match) => match[1]))
  return [...documents].flatMap(([path, text]) =>
    [...new Set(text.match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g))]
      .filter((name) => !settings.has(name) && !isRead(name))
      .map((name) => `${path}: ${name} is no setting, and nothing reads it.`),
  )
}

/** By our tests and scripts, or by what we take over from the system. */
function isRead(variable: string): boolean {
  return new RegExp(`\\benv(?:ironment)?(?:\\.|\\[')${variable}\\b`).test(code)
}

function checkCommands(documents: Documents): string[] {
  return [...documents].flatMap(([path, text]) =>
    [...codeOf(text), ...(text.match(/"belfry [^"\n]+"/g) ?? []).map((words) => words.slice(1, -1))].flatMap(
      (line) => {
        const [, words] = /(?:(?:^|^\$ |\w=\S+ )belfry|main\.js) (.+)$/.exec(line) ?? []
        return words === undefined ? [] : complaintsAboutCall(words).map((sentence) => `${path}: ${sentence}`)
      },
    ),
  )
}

function complaintsAboutCall(call: string): string[] {
  const [name = '', ...rest] = call
    .replace(/\s+#.*$|[|>].*$/g, '')
    .trim()
    .split(/\s+/)
  if (['help', '--help', '--version', 'COMMAND'].includes(name)) return []
  const usage = usages.get(name)
  if (usage === undefined) return [`there is no command "${name}".`]
  const options = rest.map((word) => word.replace(/["']/g, '')).filter((word) => word.startsWith('--'))
  const unknown = options.filter((option) => option !== '--help' && !usage.includes(option))
  const actions = new Set(
    [...usage.matchAll(new RegExp(`belfry ${name} ([a-z]+)`, 'g'))].map(([, word]) => word),
  )
  const [action] = rest
  return [
    ...unknown.map((option) => `"belfry ${name}" has no option ${option}.`),
    ...(actions.size > 0 && action !== undefined && !actions.has(action)
      ? [`"belfry ${name}" knows no "${action}".`]
      : []),
  ]
}

function checkStages(documents: Documents): string[] {
  const runner = sources.get('tooling/test.ts') ?? ''
  const stages = [...runner.matchAll(/name: '([\w-]+)',\s+title:/g)].map((match) => match[1] ?? '')
  const told = [...(documents.get('CONTRIBUTING.md') ?? '').matchAll(/^\| `([\w-]+)` \|/gm)].map(
    (match) => match[1] ?? '',
  )
  const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: object }).scripts)
  const asked = (pattern: RegExp) =>
    [...documents].flatMap(([path, text]) =>
      [...text.matchAll(pattern)].map(([, name = '']) => ({ path, name })),
    )
  return [
    ...(stages.join() === told.join()
      ? []
      : [`The stages in CONTRIBUTING.md are ${told.join()}, not ${stages.join()}.`]),
    ...asked(/--only ([\w-]+)/g)
      .filter(({ name }) => !stages.includes(name))
      .map(({ path, name }) => `${path}: there is no stage "${name}".`),
    ...asked(/npm run ([\w:-]+)/g)
      .filter(({ name }) => !scripts.includes(name))
      .map(({ path, name }) => `${path}: there is no script "${name}".`),
  ]
}

const decisionSections = ['Context', 'Decision', 'Figures', 'Consequences', 'When to revisit']

function checkDecisions(documents: Documents): string[] {
  const index = documents.get('docs/adr/README.md') ?? ''
  const map = documents.get('ARCHITECTURE.md') ?? ''
  const decisions = [...documents].filter(([path]) => /^docs\/adr\/\d{4}-/.test(path))
  return decisions.flatMap(([path, text]) => {
    const file = basename(path)
    const title = /^# \d+\. (.+)$/m.exec(text)?.[1] ?? ''
    const row = index.split('\n').find((line) => line.includes(`(${file})`))
    return [
      ...(row === undefined ? [`docs/adr/README.md does not list ${file}.`] : []),
      ...(row?.includes(`| ${title} |`) === false
        ? [`docs/adr/README.md: "${row}" is not the title "${title}".`]
        : []),
      ...(map.includes(`(${path})`) ? [] : [`ARCHITECTURE.md does not list ${file}.`]),
      ...decisionSections
        .filter((section) => !text.includes(`\n## ${section}\n`))
        .map((section) => `${path} lacks "## ${section}".`),
    ]
  })
}

function checkVersions(documents: Documents): string[] {
  const { version } = JSON.parse(read('packages/server/package.json')) as { version: string }
  return [...documents].flatMap(([path, text]) =>
    [...text.matchAll(/Belfry (\d+\.\d+\.\d+)/g)]
      .filter(([, told]) => told !== version)
      .map(([, told]) => `${path} speaks of version ${told}, and this is ${version}.`),
  )
}

/** `<!-- file: examples/… -->` above a block of code says that it is that file; `from:`, that it is a part of it. */
function checkExamples(documents: Documents): string[] {
  return [...documents].flatMap(([path, text]) => {
    const blocks = [...text.matchAll(/^<!-- (file|from): (\S+) -->\n```\w+\n([\s\S]*?)^```$/gm)]
    const marks = text.match(/^<!-- (?:file|from):/gm) ?? []
    return [
      ...(blocks.length === marks.length ? [] : [`${path}: no block of code follows a mark.`]),
      ...blocks.flatMap(([, kind, file = '', block = '']) => {
        const content = files.includes(file) ? read(file) : undefined
        if (content === undefined) return [`${path}: ${file} does not exist.`]
        if (kind === 'file' && block !== content) return [`${path}: a block is not ${file}.`]
        return content.includes(block) ? [] : [`${path}: a block is not in ${file}.`]
      }),
    ]
  })
}

const ownHosts = /^(?:localhost|(?:[\w-]+\.)*example\.com)$/
const forbidden: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['a path of a machine', /(?<![\w.])\/(?:work|tmp|root|home|mnt|workspace|Users|var\/tmp)\b/],
  ['something left to do', /\b(?:TODO|FIXME|XXX|TBD)\b|^[A-Z]{3,}$/],
  ['an emoji', /(?![✔✖])\p{Extended_Pictographic}/u],
  [
    'a big word',
    /\b(?:seamless|robust|blazing|leverag|powerful|cutting-edge|effortless|world-class|revolution|next-generation|state-of-the-art|supercharg|delve)/i,
  ],
]

function checkWords(documents: Documents): string[] {
  return [...documents].flatMap(([path, text]) =>
    text.split('\n').flatMap((line, index) => {
      const hosts = [...line.matchAll(/https?:\/\/([^\s/:"')`]+)/g)].map((match) => match[1] ?? '')
      return [
        ...forbidden.filter(([, pattern]) => pattern.test(line)).map(([what]) => what),
        ...(hosts.every((host) => ownHosts.test(host)) ? [] : ['a host']),
      ].map((what) => `${path}:${index + 1} holds ${what}: ${line.trim()}`)
    }),
  )
}

/** What each command says of itself, by running it. */
function readUsages(): Map<string, string> {
  const belfry = (...words: string[]) => {
    const program = ['--conditions=source', join(root, serverSources, 'cli', 'main.ts'), ...words]
    const { status, stdout, stderr } = spawnSync(process.execPath, program, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`"belfry ${words.join(' ')}" failed: ${stderr}`)
    return stdout
  }
  const names = [...belfry('help').matchAll(/^ {2}belfry (\w+)/gm)].map((match) => match[1] ?? '')
  return new Map(names.map((name) => [name, belfry(name, '--help')]))
}

/** A formatter may align the columns of tables. */
function withPlainTables(text: string): string {
  return text.replace(/^\|.*\|$/gm, (row) =>
    row
      .replace(/-{3,}/g, '---')
      .replace(/ *\| */g, ' | ')
      .trim(),
  )
}

function withoutFences(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '')
}

function withoutCode(text: string): string {
  return withoutFences(text).replace(/`[^`\n]*`/g, '``')
}

/** Lines of code blocks, and code between backticks. */
function codeOf(text: string): string[] {
  const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].flatMap((match) =>
    (match[1] ?? '').split('\n'),
  )
  const spans = [...withoutFences(text).matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '')
  return [...blocks, ...spans]
}

function wordsOfCode(text: string): string[] {
  return codeOf(text).flatMap((line) => line.split(/[\s"'(),:]+/))
}

function isDocument(path: string): boolean {
  return path.endsWith('.md')
}

function isSource(path: string): boolean {
  return /\.(?:ts|tsx|mjs)$/.test(path) && path !== 'tooling/documents.test.ts'
}

function listFiles(directory: string): string[] {
  const skipped = new Set(['.git', '.belfry', 'node_modules', 'dist', 'coverage', 'screenshots'])
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(directory, entry.name)
    if (skipped.has(entry.name) || generated.test(path)) return []
    return entry.isDirectory() ? listFiles(path) : [path]
  })
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}
