'use strict';
// usage: fastify.js SOCKET REDIS
const fs = require('node:fs');
const { Seller } = require('./seller.js');
const [, , socket, redis] = process.argv;

const app = require('fastify')({ logger: false });
const seller = new Seller(redis);
app.register(require('@fastify/formbody'));
app.get('/hello', async (req, reply) => {
  reply.type('text/plain');
  return 'ok\n';
});
app.get('/status/:id', async (req, reply) => {
  const status = await seller.status(req.params.id);
  if (!status) {
    reply.code(404);
    return { error: 'not found' };
  }
  reply.header('Cache-Control', 'no-store');
  return status;
});
app.post('/register/:id', async (req, reply) => {
  const wrong = seller.check(req.body || {});
  if (wrong) {
    reply.code(422);
    return { error: wrong };
  }
  return reply.redirect(await seller.register(req.params.id, req.body), 303);
});
app.listen({ path: socket }).then(() => fs.chmodSync(socket, 0o777));
