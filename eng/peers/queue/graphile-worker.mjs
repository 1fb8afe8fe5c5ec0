// graphile-worker: enqueue one by one and in bulk, drain with its defaults and batched, latency.
import { connect, finish, inParallel, jobs, latencyJobs, measure, quantiles, reporter, url, use, workers } from './measure.mjs'

const worker = await use('graphile-worker')
const report = reporter('graphile-worker')
const pool = connect(workers)
const logger = new worker.Logger(() => () => {})
const settings = (more) => ({ preset: { worker: { connectionString: url, concurrentJobs: workers, maxPoolSize: workers + 2, logger, ...more } } })
const tools = await worker.makeWorkerUtils({ connectionString: url, logger })
await tools.migrate()
const empty = () => pool.query('truncate graphile_worker._private_jobs')
const addOne = (i) => pool.query("select graphile_worker.add_job('trivial', $1::json)", [JSON.stringify({ i })])

report('one by one', await measure(jobs, () => inParallel(jobs, addOne)))
await empty()

report('in bulk, 1,000 a call', await measure(jobs, async () => {
  for (let first = 0; first < jobs; first += 1000) {
    await tools.addJobs(Array.from({ length: Math.min(1000, jobs - first) }, (_, i) => ({ identifier: 'trivial', payload: { i: first + i } })))
  }
}))
await empty()

const batched = { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }
for (const [name, more] of [['drain, defaults', {}], ['drain, batched', batched]]) {
  await pool.query("select graphile_worker.add_job('trivial', json_build_object('i', i)) from generate_series(1, $1::int) i", [jobs])
  let handled = 0
  const cost = await measure(jobs, () => worker.runOnce({ ...settings(more), taskList: { trivial: async () => { handled++ } } }))
  report(name, { ...cost, handled })
  await empty()
}

let started
const runner = await worker.run({ ...settings({}), noHandleSignals: true, taskList: { urgent: async () => started(performance.now()) } })
const times = []
for (let i = -10; i < latencyJobs; i++) {
  const start = new Promise((resolve) => { started = resolve })
  const at = performance.now()
  await pool.query("select graphile_worker.add_job('urgent')")
  const ms = await start - at
  if (i >= 0) times.push(ms) // The first ten warm it up.
}
report('latency', quantiles(times))
await runner.stop()
await tools.release()
await finish()
await pool.end()
process.exit(0)
