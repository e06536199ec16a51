'use strict';
// The seller's own registration service, once for both web frameworks: status is one HMGET, a
// registration is checked, stored and queued with BullMQ. Not atomic, as most would write it.
const Redis = require('ioredis');
const { Queue } = require('bullmq');

const FIELDS = ['state', 'step', 'pct', 'msg', 'endpoint', 'updated'];

class Seller {
  constructor(socket) {
    this.redis = new Redis({ path: socket, enableAutoPipelining: false });
    this.queue = new Queue('provision', {
      connection: new Redis({ path: socket, maxRetriesPerRequest: null }),
      defaultJobOptions: { attempts: 5, backoff: { type: 'exponential', delay: 1000 } },
    });
  }

  // null when there is no such tenant
  async status(id) {
    const v = await this.redis.hmget(`tenant:${id}`, FIELDS);
    if (v[0] === null) return null;
    return {
      state: v[0], step: Number(v[1]), pct: Number(v[2]), headline: v[3], endpoint: v[4],
      updated: Number(v[5]), terminal: v[0] === 'ready',
    };
  }

  // The form's first complaint, or null
  check(form) {
    if (typeof form.email !== 'string' || !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(form.email)) {
      return 'email';
    }
    for (const [name, value] of Object.entries(form)) {
      if (typeof value !== 'string' || value.length > 200) return name;
    }
    return null;
  }

  // Where the buyer goes
  async register(id, form) {
    const first = await this.redis.set(`reg:${id}`, '1', 'EX', 86400 * 30, 'NX');
    if (first) {
      await this.redis.hset(`tenant:${id}`, {
        state: 'registered', step: 1, pct: 0, msg: 'Registered', endpoint: '',
        updated: Date.now(), form: JSON.stringify(form), email: form.email,
      });
      await this.queue.add('provision', { tenant: id });
    }
    return `/s/${id}`;
  }
}

module.exports = { Seller };
