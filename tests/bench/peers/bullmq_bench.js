'use strict';
// BullMQ as queue_bench.c measures our own: the same jobs, one process, results as JSON.
// usage: bullmq_bench.js REDIS JOBS MODE(enqueue|slots1|slotsN|pickup) [RATE]
const Redis = require('ioredis');
const { Queue, Worker } = require('bullmq');
const [, , socket, jobs, mode, rate] = process.argv;
const N = Number(jobs);
const SLOTS = 50;
const PAYLOAD = { order: 'o0-aaaaaaaaaaaaaaaaaaaaaaaaaa', note: 'x'.repeat(140) };
const connect = () => new Redis({ path: socket, maxRetriesPerRequest: null });
const now = () => Number(process.hrtime.bigint()) / 1e6;

function percentile(sorted, p) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))];
}

async function enqueue(queue) {
  const start = now();
  for (let i = 0; i < N; i++) await queue.add('noop', PAYLOAD);
  return { per_second: N / ((now() - start) / 1000) };
}

async function run(queue, concurrency) {
  for (let i = 0; i < N; i += 500) {
    await queue.addBulk(Array.from({ length: Math.min(500, N - i) },
      () => ({ name: 'noop', data: PAYLOAD })));
  }
  let done = 0;
  let start = 0;
  await new Promise((resolve) => {
    const worker = new Worker('bench', async () => {
      if (!start) start = now();
      if (++done === N) setImmediate(resolve);
    }, { connection: connect(), concurrency, removeOnComplete: { count: 0 } });
    worker.on('error', () => {});
  });
  return { per_second: N / ((now() - start) / 1000), rss_kb: process.memoryUsage().rss / 1024 };
}

async function pickup(queue) {
  const late = [];
  const worker = new Worker('bench', async (job) => {
    late.push(now() - job.data.at);
  }, { connection: connect(), removeOnComplete: { count: 0 } });
  await worker.waitUntilReady();
  await new Promise((r) => setTimeout(r, 500));
  for (let i = 0; i < N; i++) {
    await queue.add('noop', { ...PAYLOAD, at: now() });
    await new Promise((r) => setTimeout(r, 1000 / Number(rate)));
  }
  while (late.length < N) await new Promise((r) => setTimeout(r, 10));
  late.sort((a, b) => a - b);
  return { p50_ms: percentile(late, 0.5), p99_ms: percentile(late, 0.99),
    max_ms: late[late.length - 1], rss_kb: process.memoryUsage().rss / 1024 };
}

async function main() {
  const queue = new Queue('bench', { connection: connect() });
  await queue.waitUntilReady();
  await queue.obliterate({ force: true });
  const modes = { enqueue: () => enqueue(queue), slots1: () => run(queue, 1),
    slotsN: () => run(queue, SLOTS), pickup: () => pickup(queue) };
  console.log(JSON.stringify(await modes[mode]()));
  process.exit(0);
}
main();
