// A client as an application has it: it reconnects by itself and joins its room again. It
// prints what happens, a JSON object a line, and ends when it was asked to on standard input.
//
//   node reconnect.mjs URL TOKEN ROOM

import { io } from 'socket.io-client';

const [url, token, roomId] = process.argv.slice(2);
const tell = (event, data = {}) => process.stdout.write(`${JSON.stringify({ event, ...data })}\n`);

const socket = io(url, {
  transports: ['websocket'], auth: { token }, reconnectionDelay: 50, reconnectionDelayMax: 250, randomizationFactor: 0.5,
});
let connections = 0;
socket.on('connect', async () => {
  const ack = await socket.emitWithAck('join-room', { roomId });
  tell('joined', { connection: ++connections, success: ack.success, code: ack.code });
});
socket.on('disconnect', (reason) => tell('disconnected', { reason, active: socket.active }));
socket.on('server-draining', (data) => tell('draining', data));
socket.on('new-message', ({ content }) => tell('heard', { content }));
process.stdin.on('data', () => {}).on('end', () => socket.disconnect());
