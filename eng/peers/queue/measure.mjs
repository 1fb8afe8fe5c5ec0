// What the measurements of queues on node share: packages, the meter, and the form of a result.
import fs from 'node:fs'
import path from 'node:path'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const setting = (name, otherwise) => Number(process.env[name] ?? otherwise)

export const jobs = setting('N', 20000)
export const workers = setting('K', 10)
export const latencyJobs = setting('LATENCY', 200)
export const url = process.env.PEER_URL

// Packages lie in the folder that run.sh installed them into.
const packages = process.env.PEER_PACKAGES
const require = createRequire(path.join(packages, 'here.js'))
export const use = (name) => import(pathToFileURL(require.resolve(name)).href)
export const version = (name) => JSON.parse(fs.readFileSync(path.join(packages, 'node_modules', name, 'package.json'), 'utf8')).version

const pg = await use('pg')
export const connect = (connections) => new (pg.default ?? pg).Pool({ connectionString: url, max: connections })
const meterPool = connect(1)

// Milliseconds of processor time that the server's main process and its children have used, the ended ones included.
const serverMs = () => {
  const main = Number(process.env.PEER_SERVER_PID)
  let ticks = 0
  for (const entry of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const text = fs.readFileSync(`/proc/${entry}/stat`, 'utf8')
      // After the name in brackets: state, parent, ..., user and system time at 11 and 12, those of ended children at 13 and 14.
      const field = text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number)
      if (Number(entry) === main) ticks += field[11] + field[12] + field[13] + field[14]
      else if (field[1] === main) ticks += field[11] + field[12]
    } catch { /* The process ended meanwhile. */ }
  }
  return ticks * 10
}

const walBytes = async () => Number((await meterPool.query("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as bytes")).rows[0].bytes)

// Runs a piece of work over a number of jobs and returns what it cost.
export const measure = async (count, work) => {
  const before = { wal: await walBytes(), cpu: serverMs(), at: performance.now() }
  await work()
  const ms = performance.now() - before.at
  return {
    jobs: count,
    per_s: Math.round(count / ms * 1000),
    server_cpu_ms: Number(((serverMs() - before.cpu) / count).toFixed(4)),
    wal_bytes: Math.round((await walBytes() - before.wal) / count)
  }
}

// Calls fn for 0 to count - 1 with as many calls under way as there are workers.
export const inParallel = (count, fn) => {
  let next = 0
  const loop = async () => { while (next < count) await fn(next++) }
  return Promise.all(Array.from({ length: workers }, loop))
}

export const quantiles = (times) => {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share) => Number(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(2))
  return { samples: sorted.length, p50_ms: at(0.5), p95_ms: at(0.95) }
}

export const reporter = (peer) => (what, result) => console.log(JSON.stringify({ peer, version: version(peer), what, ...result }))
export const finish = () => meterPool.end()
