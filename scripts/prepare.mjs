// Makes a clone ready to run: installs packages and builds, each only when something changed since the last time.
// Runs under whatever Node the machine has, so it is plain JavaScript without dependencies.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const modules = join(root, 'node_modules')
const stamps = join(modules, '.belfry')
const forTests = process.argv.includes('--for-tests')

/** A sentence for the operator; anything else thrown here is a bug of ours and shows its stack. */
class Obstacle extends Error {}

try {
  await installPackages()
  const node = chooseNode()
  await build(node)
  if (forTests) installDebianPackages()
} catch (error) {
  if (!(error instanceof Obstacle)) throw error
  console.error(`\n${error.message}`)
  process.exit(1)
}

async function installPackages() {
  const wanted = fingerprint(
    [join(root, 'package-lock.json'), join(root, 'package.json')],
    process.platform,
    process.arch,
  )
  if (readStamp('installed') === wanted) return
  refuseUnwritable()
  const options = [
    'ci',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    '--loglevel=error',
    '--fetch-retries=2',
  ]
  const patience = ['--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000']
  const result = await step('Installing packages', 'npm', [...options, ...patience])
  if (result.code !== 0) throw explainNpm(result.output)
  writeStamp('installed', wanted)
}

/** The Node that the repository brings, else the machine's own where that is new enough. */
function chooseNode() {
  const own = join(modules, '.bin', 'node')
  const candidates = existsSync(own) ? [own, process.execPath] : [process.execPath]
  const chosen = candidates.find((path) => {
    const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
    const [, major, minor] = /^v(\d+)\.(\d+)/.exec(stdout || '') || []
    return Number(major) > 22 || (Number(major) === 22 && Number(minor) >= 13)
  })
  if (chosen === undefined) {
    const why = !existsSync(own)
      ? `Belfry brings no Node.js for ${process.platform}-${process.arch}`
      : `The Node.js that Belfry brings cannot be run in ${root} (a file system mounted "noexec", or a system without glibc)`
    throw new Obstacle(
      `${why}, and the one here is ${process.version}: install Node.js 22.13 or later, or clone Belfry elsewhere.`,
    )
  }
  // Relative, so that a clone can be moved.
  const noted = chosen === own ? relative(root, own) : chosen
  if (readStamp('node') !== noted) writeStamp('node', noted)
  return chosen
}

async function build(node) {
  const configuration = ['package-lock.json', 'tsconfig.base.json', 'tsconfig.json'].map((name) =>
    join(root, name),
  )
  const libraries = ['contract', 'client', 'react'].map((name) => join(root, 'packages', name, 'src'))
  const server = [
    ...libraries,
    join(root, 'packages', 'server', 'src'),
    join(root, 'packages', 'server', 'package.json'),
  ]
  const consoleApp = [
    ...libraries,
    join(root, 'packages', 'react', 'styles.css'),
    ...['src', 'public', 'index.html', 'vite.config.ts', 'package.json'].map((name) =>
      join(root, 'apps', 'console', name),
    ),
  ]
  await buildPart(
    'server',
    'Building the server',
    [...configuration, ...server],
    join(root, 'packages', 'server', 'dist', 'cli', 'main.js'),
    () => step('Building the server', node, [join(modules, 'typescript', 'bin', 'tsc'), '-b']),
  )
  makeExecutable(join(root, 'packages', 'server', 'dist', 'cli', 'main.js'))
  await buildPart(
    'console',
    'Building the console',
    [...configuration, ...consoleApp],
    join(root, 'packages', 'server', 'console', 'index.html'),
    () =>
      step(
        'Building the console',
        node,
        [join(modules, 'vite', 'bin', 'vite.js'), 'build', '--logLevel', 'warn'],
        join(root, 'apps', 'console'),
      ),
  )
}

/** So that `npx belfry` works in a clone, as it does where the package is installed. */
function makeExecutable(file) {
  if ((statSync(file).mode & 0o111) === 0) chmodSync(file, 0o755)
}

async function buildPart(name, title, sources, product, run) {
  const wanted = fingerprint(sources)
  if (readStamp(name) === wanted && existsSync(product)) return
  refuseUnwritable()
  const result = await run()
  if (result.code !== 0) throw new Obstacle(`${title} failed:\n${result.output.trim()}`)
  writeStamp(name, wanted)
}

/**
 * What the tests use besides npm packages: a program to look for, and the Debian package that has it. `instead` says that
 * something slower is there.
 */
function installDebianPackages() {
  if (process.platform !== 'linux') return
  const hasChromium = ['chromium', 'chromium-browser', 'google-chrome'].some(onPath)
  const parts = [
    { name: 'chromium', there: () => hasChromium },
    {
      name: 'chromium-headless-shell',
      there: () => onPath('chromium-headless-shell'),
      instead: () => hasChromium,
    },
    { name: 'redis-server', there: () => onPath('redis-server') },
    { name: 'postgresql', there: () => existsSync('/usr/lib/postgresql') },
    {
      name: 'python3-socketio',
      there: () => spawnSync('/usr/bin/python3', ['-c', 'import socketio']).status === 0,
    },
    { name: 'util-linux', there: () => onPath('unshare') },
  ]
  const absent = parts.filter((part) => !part.there())
  if (absent.length === 0) return
  const isEnough = absent.every((part) => part.instead?.())
  const missing = absent.map((part) => part.name)
  const command = `apt-get install ${missing.join(' ')}`
  const mayInstall = process.getuid?.() === 0 && onPath('apt-get')
  if (!mayInstall && isEnough) return
  if (!mayInstall)
    throw new Obstacle(
      `The tests need some Debian packages; run this as root, then ./test again:\n  ${command}`,
    )
  console.log(`Installing Debian packages for the tests: ${missing.join(', ')}`)
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...words) =>
    spawnSync('apt-get', words, { env: environment, encoding: 'utf8', maxBuffer: 1 << 28 })
  apt('update', '-qq')
  const installed = apt('install', '-y', '-qq', '--no-install-recommends', ...missing)
  if (installed.status !== 0 && !isEnough)
    throw new Obstacle(`"${command}" failed:\n${installed.stderr.trim().split('\n').slice(-5).join('\n')}`)
}

function onPath(program) {
  return (process.env.PATH || '').split(':').some((directory) => existsSync(join(directory, program)))
}

/** Runs a program; a person who waits sees what and for how long. Its own words are kept for when it fails. */
function step(title, program, options, directory = root) {
  const began = Date.now()
  const seconds = () => `${((Date.now() - began) / 1000).toFixed(0)} s`
  const live = process.stdout.isTTY
  const show = () => process.stdout.write(`\r${title} … ${seconds()} `)
  if (live) show()
  else console.log(`${title} …`)
  const ticking = live ? setInterval(show, 1000) : undefined
  return new Promise((resolve) => {
    let output = ''
    const child = spawn(program, options, { cwd: directory })
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.on('error', (error) => (output += error.message))
    child.on('close', (code) => {
      clearInterval(ticking)
      if (live) process.stdout.write(`\r${title}: ${code === 0 ? seconds() : 'failed'}      \n`)
      else if (code === 0) console.log(`${title}: ${seconds()}`)
      resolve({ code, output })
    })
  })
}

function explainNpm(output) {
  const network =
    /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT)\b/.exec(
      output,
    )
  if (network)
    return new Obstacle(
      `The packages could not be downloaded, because the npm registry did not answer (${network[1]}): check the network and npm's proxy settings, then try again.`,
    )
  if (/ENOSPC/.test(output))
    return new Obstacle(`There is no room left on the disk of ${root}: about 700 MB are needed.`)
  if (/\b(EACCES|EPERM|EROFS)\b/.test(output)) return unwritable()
  const words = output
    .split('\n')
    .filter((line) => /npm (error|ERR!)/.test(line) && !/A complete log|debug-0/.test(line))
  return new Obstacle(
    `"npm ci" failed:\n${(words.length > 0 ? words : output.split('\n')).slice(0, 8).join('\n')}`,
  )
}

function refuseUnwritable() {
  try {
    accessSync(existsSync(modules) ? modules : root, constants.W_OK)
    accessSync(root, constants.W_OK)
  } catch {
    throw unwritable()
  }
}

function unwritable() {
  return new Obstacle(
    `This user cannot write to ${root}, where Belfry has to be installed and built: run it once as the owner, or clone it to a directory of your own.`,
  )
}

/** Changes when the content of any of the files does. */
function fingerprint(paths, ...more) {
  const hash = createHash('sha256').update(more.join('\n'))
  for (const file of paths.flatMap(filesBelow))
    hash.update(`\n${relative(root, file)}\n`).update(readFileSync(file))
  return hash.digest('hex')
}

/** What a build reads: everything but tests. */
function filesBelow(path) {
  if (!existsSync(path)) return []
  if (!statSync(path).isDirectory()) return /\.test\.tsx?$/.test(path) ? [] : [path]
  return readdirSync(path)
    .sort()
    .filter((name) => name !== 'testing')
    .flatMap((name) => filesBelow(join(path, name)))
}

function readStamp(name) {
  const path = join(stamps, name)
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

function writeStamp(name, value) {
  mkdirSync(stamps, { recursive: true })
  writeFileSync(join(stamps, name), value)
}
