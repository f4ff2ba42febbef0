// Official clients as applications have them: each reconnects by itself, for ever. What happens is
// printed, a JSON object a line; the program ends when its standard input does.
//
//   CROWD='[{url, token, rooms, transports, auth, keepsCursor}, …]' node crowd.mjs
//
// A client with keepsCursor sends the highest position it was told as offset; others leave that to the
// client's own state recovery, which `recovery: true` in auth turns on.

import { io } from 'socket.io-client';

const tell = (c, e, more = {}) => process.stdout.write(`${JSON.stringify({ c, e, ...more })}\n`);

function start({ url, token, rooms, transports, auth, keepsCursor }, c) {
  let cursor;
  const reached = (position) => {
    if (keepsCursor && (cursor === undefined || BigInt(position) > BigInt(cursor))) cursor = position;
  };
  const socket = io(url, {
    transports, forceNew: true, timeout: 5000, reconnectionDelay: 20, reconnectionDelayMax: 200,
    auth: (give) => give({ token, ...auth, ...(cursor !== undefined && { offset: cursor }) }),
  });
  const missing = new Set(rooms);
  socket.on('connect', async () => {
    for (const roomId of missing) { // until each was joined once: recovery does it from then on
      socket.timeout(10_000).emit('join-room', { roomId }, (error, ack) => {
        if (error || !ack.success) return;
        reached(ack.data.position);
        missing.delete(roomId);
        if (missing.size === 0) tell(c, 'joined');
      });
    }
  });
  socket.on('session', ({ position }) => {
    reached(position);
    tell(c, 'session', { recovered: socket.recovered });
  });
  socket.on('new-message', ({ position, roomId, id }) => {
    tell(c, 'message', { p: position, r: roomId, i: id });
    reached(position);
  });
  socket.on('resync-required', ({ position }) => {
    tell(c, 'resync');
    reached(position);
  });
  socket.on('disconnect', (reason) => {
    tell(c, 'gone', { reason });
    if (!socket.active) socket.connect();
  });
  return socket;
}

const sockets = JSON.parse(process.env.CROWD).map(start);
process.stdin.on('data', () => {}).on('end', () => {
  for (const socket of sockets) socket.disconnect();
  process.exit(0);
});
