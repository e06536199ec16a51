// Google's own clients against the sandbox. argv: sandbox address, external account file,
// provider, entitlement, account, audience, marketplace token, hostile token. Prints JSON.
'use strict';
const fs = require('fs');
const {auth: google, cloudcommerceprocurement} =
  require('@googleapis/cloudcommerceprocurement');

const [base, externalFile, provider, entitlement, account, audience, token, bad] =
  process.argv.slice(2);
const ISS = 'https://www.googleapis.com/robot/v1/metadata/x509/' +
  'cloud-commerce-partner@system.gserviceaccount.com';
const scopes = ['https://www.googleapis.com/auth/cloud-platform'];
const out = {};

async function attempt(name, fn) {
  try {
    out[name] = await fn();
  } catch (e) {
    const d = e.response && e.response.data && e.response.data.error;
    out[name] = {error: d && d.status || (d ? String(d) : e.message), code: e.status || e.code};
  }
}

async function verify(text) {
  const certs = await (await fetch(base + '/gcp/certs/' + ISS.split('.com/')[1])).json();
  const ticket = await new google.OAuth2().verifySignedJwtWithCertsAsync(
    text, certs, audience, [ISS], 600);
  return ticket.getPayload().sub;
}

async function main() {
  const auth = new google.GoogleAuth(
    {scopes, credentials: JSON.parse(fs.readFileSync(externalFile, 'utf8'))});
  const api = cloudcommerceprocurement({version: 'v1', auth});
  const at = {rootUrl: base + '/gcp/procurement/'};
  const ents = api.providers.entitlements, accts = api.providers.accounts;
  const parent = 'providers/' + provider, name = parent + '/entitlements/' + entitlement;
  const acct = parent + '/accounts/' + account;

  await attempt('get', async () => (await ents.get({name}, at)).data);
  await attempt('early', async () => (await ents.approve({name, requestBody: {}}, at)).data);
  await attempt('message', async () => (await ents.patch(
    {name, updateMask: 'messageToUser', requestBody: {messageToUser: 'soon'}},
    at)).data.messageToUser);
  await attempt('account', async () => (await accts.approve(
    {name: acct, requestBody: {approvalName: 'signup'}}, at)).data);
  await attempt('approve', async () => (await ents.approve({name, requestBody: {}}, at)).data);
  await attempt('list', async () => (await ents.list(
    {parent, filter: 'account=' + account + ' state=active', pageSize: 5}, at)).data);
  await attempt('accounts', async () => (await accts.list({parent, pageSize: 1}, at)).data);
  await attempt('missing', async () => (await ents.get({name: name + 'x'}, at)).data);
  await attempt('verified', () => verify(token));
  await attempt('hostile', () => verify(bad));
  console.log(JSON.stringify(out));
}

main();
