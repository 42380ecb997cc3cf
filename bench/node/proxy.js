// A plain WebSocket-to-TCP proxy: node proxy.js PORT TOKEN=HOST:PORT ...
'use strict';
const net = require('node:net');
const { WebSocketServer } = require('ws');

const FULL = 1 << 20;
const [port, ...table] = process.argv.slice(2);
const targets = new Map(table.map((entry) => entry.split('=')));
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(port), perMessageDeflate: false });

server.on('connection', (client, request) => {
  const token = new URL(request.url, 'http://localhost').searchParams.get('token');
  const target = targets.get(token);
  if (!target) return client.close(1008, 'no such token');
  const [host, targetPort] = target.split(':');
  const console_ = net.connect({ host, port: Number(targetPort), noDelay: true });
  const resume = () => { if (client.bufferedAmount < FULL) console_.resume(); };
  console_.on('data', (data) => {
    client.send(data, resume);
    if (client.bufferedAmount >= FULL) console_.pause();
  });
  client.on('message', (data) => { if (!console_.write(data)) client.pause(); });
  console_.on('drain', () => client.resume());
  console_.on('close', () => client.close());
  console_.on('error', () => client.close());
  client.on('close', () => console_.destroy());
  client.on('error', () => console_.destroy());
});
