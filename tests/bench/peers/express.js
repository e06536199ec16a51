'use strict';
// usage: express.js SOCKET REDIS
const fs = require('node:fs');
const express = require('express');
const { Seller } = require('./seller.js');
const [, , socket, redis] = process.argv;

const app = express();
const seller = new Seller(redis);
app.get('/hello', (req, res) => res.type('text').send('ok\n'));
app.get('/status/:id', async (req, res) => {
  const status = await seller.status(req.params.id);
  if (!status) return res.status(404).json({ error: 'not found' });
  return res.set('Cache-Control', 'no-store').json(status);
});
app.post('/register/:id', express.urlencoded({ extended: false }), async (req, res) => {
  const wrong = seller.check(req.body || {});
  if (wrong) return res.status(422).json({ error: wrong });
  return res.redirect(303, await seller.register(req.params.id, req.body));
});
app.listen(socket, () => fs.chmodSync(socket, 0o777));
