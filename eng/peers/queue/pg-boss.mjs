// pg-boss: enqueue one by one and in bulk, drain by fetch and complete in batches of 1 and 500, latency.
import { finish, inParallel, jobs, latencyJobs, measure, quantiles, reporter, url, use, version, workers } from './measure.mjs'

const module = await use('pg-boss')
const PgBoss = module.PgBoss ?? module.default ?? module
const report = reporter('pg-boss')
const major = Number(version('pg-boss').split('.')[0])
const notifies = major >= 12 // Older versions poll.
const longestDrainMs = 20000 // A claim may sort all that waits: a longer drain is cut, and the rate is that of this time.

const boss = new PgBoss({ connectionString: url, max: workers + 2, ...(notifies ? { useListenNotify: true } : {}) })
boss.on('error', (error) => console.error(error.message))
await boss.start()
const insert = (queue, rows) => major >= 11 ? boss.insert(queue, rows) : boss.insert(rows.map((row) => ({ name: queue, ...row })))
const fill = async (queue) => {
  for (let first = 0; first < jobs; first += 1000) {
    await insert(queue, Array.from({ length: Math.min(1000, jobs - first) }, (_, i) => ({ data: { i: first + i } })))
  }
}

await boss.createQueue('single')
report('one by one', await measure(jobs, () => inParallel(jobs, (i) => boss.send('single', { i }))))
await boss.createQueue('bulk')
report('in bulk, 1,000 a call', await measure(jobs, () => fill('bulk')))

for (const size of [1, 500]) {
  const queue = `drain-${size}`
  await boss.createQueue(queue)
  await fill(queue)
  let handled = 0
  const end = performance.now() + longestDrainMs
  const loop = async () => {
    while (performance.now() < end) {
      const taken = await boss.fetch(queue, { batchSize: size })
      if (!taken || taken.length === 0) return
      await boss.complete(queue, taken.map((job) => job.id))
      handled += taken.length
    }
  }
  const begun = performance.now()
  const cost = await measure(jobs, () => Promise.all(Array.from({ length: workers }, loop)))
  // Of a drain that was cut only what was handled counts.
  const share = jobs / handled
  report(`drain, batches of ${size}`, {
    jobs: handled, per_s: Math.round(cost.per_s / share), server_cpu_ms: Number((cost.server_cpu_ms * share).toFixed(4)),
    wal_bytes: Math.round(cost.wal_bytes * share), cut: handled < jobs, seconds: Number(((performance.now() - begun) / 1000).toFixed(1))
  })
}

await boss.createQueue('urgent', notifies ? { notify: true } : undefined)
let started
await boss.work('urgent', { pollingIntervalSeconds: 0.5 }, async () => started(performance.now()))
const times = []
const samples = notifies ? latencyJobs : Math.min(latencyJobs, 40)
for (let i = -3; i < samples; i++) {
  const start = new Promise((resolve) => { started = resolve })
  const at = performance.now()
  await boss.send('urgent', {})
  const ms = await start - at
  if (i >= 0) times.push(ms)
}
report(notifies ? 'latency' : 'latency, polling every 0.5 s (its shortest)', quantiles(times))
await boss.stop({ graceful: false })
await finish()
process.exit(0)
