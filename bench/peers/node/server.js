// A chat server by the classic recipe: Socket.IO, JWT, the Redis Streams adapter, and one INSERT for each
// message, which is acknowledged and told to the room once Postgres has committed it.
import { createSecretKey } from "node:crypto";
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-streams-adapter";
import jwt from "jsonwebtoken";
import pg from "pg";
import { createClient } from "redis";
import { Server } from "socket.io";

const MAX_CONTENT = 5000;
const MAX_ROOM_ID = 100;

const schema = `
CREATE TABLE IF NOT EXISTS messages (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  room_id text NOT NULL,
  sender_id text NOT NULL,
  content text NOT NULL,
  client_message_id text,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS messages_of_room ON messages (room_id, id)`;

// A named statement is prepared once for each connection.
const insert = {
  name: "insert-message",
  text: `INSERT INTO messages (room_id, sender_id, content, client_message_id)
VALUES ($1, $2, $3, $4) RETURNING id, created_at`,
};

function required(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set`);
    process.exit(2);
  }
  return value;
}

const [host, port] = required("LISTEN_ADDR").split(":");
// A KeyObject is made once: jsonwebtoken turns a string into one for each token, at half the connections a second.
const secret = createSecretKey(Buffer.from(required("JWT_SECRET")));

const database = new pg.Pool({ connectionString: required("DATABASE_URL"), max: 20 });
await database.query(schema);

const redis = createClient({ url: required("REDIS_URL") });
redis.on("error", (error) => console.error("redis:", error.message));
await redis.connect();

const http = createServer((request, response) => {
  response.writeHead(request.url === "/readyz" ? 200 : 404).end();
});

const io = new Server(http, {
  transports: ["websocket"],
  adapter: createAdapter(redis, {
    streamName: required("REDIS_STREAM"),
    onlyPlaintext: true,
  }),
  ...(process.env.STATE_RECOVERY === "true" && {
    connectionStateRecovery: { maxDisconnectionDuration: 2 * 60 * 1000, skipMiddlewares: false },
  }),
});

// The docs advise it: nobody asks for the first request again, and it is most of an idle connection.
io.engine.on("connection", (connection) => {
  connection.request = null;
});

io.use((socket, next) => {
  const refuse = () => next(new Error("Authentication failed"));
  const token = socket.handshake.auth.token;
  if (typeof token !== "string") return refuse();
  try {
    const claims = jwt.verify(token, secret, { algorithms: ["HS256"] });
    const id = claims.userId ?? claims.sub;
    if (typeof id !== "string") return refuse();
    socket.data.user = { id, username: claims.username ?? id };
    next();
  } catch {
    refuse();
  }
});

const failure = (code, error) => ({ success: false, code, error });

const validRoom = (id) => typeof id === "string" && id !== "" && id.length <= MAX_ROOM_ID;

// on answers an event by what the handler returns, or by the error that it throws.
function on(socket, event, handler) {
  socket.on(event, async (data, ack) => {
    let answer;
    try {
      answer = await handler(data ?? {});
    } catch (error) {
      console.error(`${event}:`, error.message);
      answer = failure("UNAVAILABLE", "try again");
    }
    if (typeof ack === "function") ack(answer);
  });
}

async function send(socket, { roomId, content, clientMessageId }) {
  if (!validRoom(roomId) || typeof content !== "string" || content === "" || content.length > MAX_CONTENT) {
    return failure("INVALID_PAYLOAD", "roomId and content are required");
  }
  if (!socket.rooms.has(roomId)) return failure("NOT_A_MEMBER", "not a member of this room");
  const { user } = socket.data;
  const { rows } = await database.query({ ...insert, values: [roomId, user.id, content, clientMessageId] });
  const message = shape(rows[0], roomId, user, content, clientMessageId);
  io.to(roomId).emit("new-message", message);
  return { success: true, data: message };
}

function shape(row, roomId, user, content, clientMessageId) {
  return {
    id: row.id,
    roomId,
    seq: row.id,
    sender: { id: user.id, username: user.username, displayName: user.username, avatarUrl: "" },
    content,
    attachments: [],
    replyTo: null,
    mentions: [],
    reactions: {},
    pinned: false,
    editedAt: null,
    deletedAt: null,
    at: row.created_at,
    position: row.id,
    clientMessageId,
  };
}

io.on("connection", (socket) => {
  on(socket, "create-room", ({ id, name }) => {
    if (!validRoom(id)) return failure("INVALID_PAYLOAD", "id is required");
    socket.join(id);
    return { success: true, data: { id, name } };
  });
  on(socket, "join-room", ({ roomId }) => {
    if (!validRoom(roomId)) return failure("INVALID_PAYLOAD", "roomId is required");
    socket.join(roomId);
    return { success: true, data: { room: { id: roomId } } };
  });
  on(socket, "send-message", (message) => send(socket, message));
});

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(0));

http.listen({ host, port: Number(port), backlog: 4096 });
