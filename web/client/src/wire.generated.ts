// Made by `npm run generate` from api/spec: change that, not this.

export type Ack = {
  /** What a client may branch on. */
  code?: 'UNAUTHENTICATED' | 'TOKEN_EXPIRED' | 'INVALID_USER' | 'FORBIDDEN' | 'NOT_A_MEMBER' | 'ROOM_NOT_FOUND' | 'ROOM_ARCHIVED' | 'ROOM_EXISTS' | 'MESSAGE_NOT_FOUND' | 'MESSAGE_DELETED' | 'INVALID_PAYLOAD' | 'UNKNOWN_EVENT' | 'CONTENT_TOO_LONG' | 'RATE_LIMITED' | 'TOO_MANY_ROOMS' | 'TOO_MANY_CONNECTIONS' | 'CONFLICT' | 'LAST_OWNER' | 'STALE' | 'UNAVAILABLE' | 'INTERNAL';
  data?: unknown;
  error?: string;
  fields?: Record<string, string>;
  retryAfterMs?: number;
  success: boolean;
};

export type AddMember = {
  role?: 'owner' | 'moderator' | 'member';
  roomId: string;
  userId: string;
};

export type AppendQueue = {
  bytes: number;
  commands: number;
  decidedAgain: number;
  failed: number;
  maxBytes: number;
  maxCommands: number;
};

export type Attachment = {
  contentType: string;
  name: string;
  /** Size is in bytes, as the sender states it. */
  size: number;
  url: string;
};

export type CheckResult = {
  /** DurationMS is how long the check took, in milliseconds. */
  durationMs: number;
  status: string;
};

export type Connection = {
  /** RFC 3339 in UTC, with milliseconds. */
  handshakeTime: string;
  id: string;
  node: string;
  /** QueuedBytes wait to be sent. Of a socket of another node it is known roughly. */
  queuedBytes: number;
  /** RoomCount is how many they are. */
  roomCount: number;
  /** Rooms are what it hears: of a socket of another node not all of them may be named. */
  rooms: string[];
  transport: string;
  userId: string;
};

export type ConnectionCount = {
  byTransport: Record<string, number>;
  total: number;
};

export type Connections = {
  byTransport: Record<string, number>;
  /** Complete is false while only this node is known of. */
  complete: boolean;
  connections: Connection[];
  /** NextCursor asks for the page after this one; "" on the last page. */
  nextCursor?: string;
  nodes: NodeConnections[];
  total: number;
};

export type Consumer = {
  /** AckedAt is when something was acknowledged, and SeenAt about when events were asked for. */
  ackedAt: string | null;
  categories: string[];
  /** RFC 3339 in UTC, with milliseconds. */
  createdAt: string;
  /** Head is the end of the log, and Lag the number of events between the two, wanted or not. */
  head: string;
  lag: number;
  name: string;
  /** Owner is the user who made it. */
  owner: string;
  /** Position is up to where everything was acknowledged. */
  position: string;
  /** RFC 3339 in UTC, with milliseconds. */
  seenAt: string | null;
  streams: string[];
  types: string[];
};

export type ConsumerItems = {
  items: Consumer[];
};

export type ConsumerPage = {
  /** A position of the log: a decimal number. */
  head: string;
  /** Items are envelopes of the log. */
  items: Record<string, unknown>[];
  /** More says that there was more to look at. */
  more: boolean;
  /** Position is what to acknowledge once the items are done with. It may be beyond the last of them. */
  position: string;
};

export type CreateRoom = {
  id?: string;
  memberIds?: string[];
  name?: string;
  topic?: string;
  type: 'public' | 'private' | 'direct';
};

export type DeleteMessage = {
  messageId: string;
  roomId: string;
};

export type Deleted = {
  messageId: string;
  /** A position of the log: a decimal number. */
  position: string;
  seq: number;
};

export type Delivered = {
  /** A position of the log: a decimal number. */
  position: string;
  roomId: string;
  seq: number;
};

export type Delivery = {
  /** RFC 3339 in UTC, with milliseconds. */
  at: string;
  events: number;
  node: string;
  /** Sockets is how often a socket was given one of the events that the node had handed on by then: Events of them. */
  sockets: number;
};

export type DemoUser = {
  password: string;
  roles: ('admin' | 'analyst')[];
  username: string;
};

export type DeniedOne = {
  /** What a client may branch on. */
  code: 'UNAUTHENTICATED' | 'TOKEN_EXPIRED' | 'INVALID_USER' | 'FORBIDDEN' | 'NOT_A_MEMBER' | 'ROOM_NOT_FOUND' | 'ROOM_ARCHIVED' | 'ROOM_EXISTS' | 'MESSAGE_NOT_FOUND' | 'MESSAGE_DELETED' | 'INVALID_PAYLOAD' | 'UNKNOWN_EVENT' | 'CONTENT_TOO_LONG' | 'RATE_LIMITED' | 'TOO_MANY_ROOMS' | 'TOO_MANY_CONNECTIONS' | 'CONFLICT' | 'LAST_OWNER' | 'STALE' | 'UNAVAILABLE' | 'INTERNAL';
  roomId: string;
};

export type Done = {
  /** A position of the log: a decimal number. */
  position: string;
};

export type Draining = {
  reconnectInMs: number;
};

export type EditMessage = {
  content?: string;
  messageId: string;
  roomId: string;
};

export type Envelope = {
  data: Record<string, unknown>;
  id: string;
  metadata: Record<string, unknown>;
  /** A position of the log: a decimal number. */
  position: string;
  recordedAt: string;
  schemaVersion: number;
  stream: string;
  type: string;
  version: number;
};

export type Erased = {
  /** Finished says that nothing is left; else it is being worked on. */
  finished: boolean;
  /** A position of the log: a decimal number. */
  position: string;
};

export type Expiring = {
  /** RFC 3339 in UTC, with milliseconds. */
  expiresAt: string;
  expiresInMs: number;
};

export type FailedAck = {
  /** What a client may branch on. */
  code: 'UNAUTHENTICATED' | 'TOKEN_EXPIRED' | 'INVALID_USER' | 'FORBIDDEN' | 'NOT_A_MEMBER' | 'ROOM_NOT_FOUND' | 'ROOM_ARCHIVED' | 'ROOM_EXISTS' | 'MESSAGE_NOT_FOUND' | 'MESSAGE_DELETED' | 'INVALID_PAYLOAD' | 'UNKNOWN_EVENT' | 'CONTENT_TOO_LONG' | 'RATE_LIMITED' | 'TOO_MANY_ROOMS' | 'TOO_MANY_CONNECTIONS' | 'CONFLICT' | 'LAST_OWNER' | 'STALE' | 'UNAVAILABLE' | 'INTERNAL';
  error: string;
  fields?: Record<string, string>;
  retryAfterMs?: number;
  success: boolean;
};

export type FailedCommand = {
  /** What a client may branch on. */
  code: 'UNAUTHENTICATED' | 'TOKEN_EXPIRED' | 'INVALID_USER' | 'FORBIDDEN' | 'NOT_A_MEMBER' | 'ROOM_NOT_FOUND' | 'ROOM_ARCHIVED' | 'ROOM_EXISTS' | 'MESSAGE_NOT_FOUND' | 'MESSAGE_DELETED' | 'INVALID_PAYLOAD' | 'UNKNOWN_EVENT' | 'CONTENT_TOO_LONG' | 'RATE_LIMITED' | 'TOO_MANY_ROOMS' | 'TOO_MANY_CONNECTIONS' | 'CONFLICT' | 'LAST_OWNER' | 'STALE' | 'UNAVAILABLE' | 'INTERNAL';
  event: string;
  message: string;
  retryAfterMs?: number;
};

export type FollowQueue = {
  /** Behind is how many later events are known to exist, Unpushed how many the sockets have not been told. */
  behind: number;
  head: number;
  postgresUp: boolean;
  redisUp: boolean;
  repairedEvents: number;
  repairs: number;
  unpushed: number;
};

export type Health = {
  checks?: Record<string, CheckResult>;
  status: string;
};

export type JoinRooms = {
  roomIds?: string[];
};

export type JoinedOne = {
  /** Position is from where on the session hears the room. */
  position: string;
  room: Room;
  roomId: string;
  /** Seq is the number of the room's last message at Position. */
  seq: number;
};

export type JoinedRoom = {
  /** Position is from where on the session hears the room. */
  position: string;
  room: Room;
  /** Seq is the number of the room's last message at Position. */
  seq: number;
};

export type JoinedRooms = {
  denied: DeniedOne[];
  joined: JoinedOne[];
};

export type LastUpkeep = {
  job: UpkeepJob | null;
};

export type Latency = {
  avg: number;
  count: number;
  p50: number;
  p95: number;
  p99: number;
};

export type Left = {
  /** A position of the log: a decimal number. */
  position: string;
  roomId: string;
};

export type Load = {
  /** At are the times of the looks, in milliseconds since 1970. */
  at: number[];
  /** EveryMS is the time between two looks, in milliseconds. */
  everyMs: number;
  node: string;
  /** Series has a number for each time, null where there was nothing to tell. */
  series: Record<string, (number | null)[]>;
};

export type Mark = {
  messageId?: string;
  roomId: string;
  seq?: number;
};

export type Member = {
  /** RFC 3339 in UTC, with milliseconds. */
  joinedAt: string;
  role: 'owner' | 'moderator' | 'member';
  userId: string;
  username: string;
};

export type MemberChanged = {
  /** RFC 3339 in UTC, with milliseconds. */
  joinedAt: string;
  /** A position of the log: a decimal number. */
  position: string;
  role: 'owner' | 'moderator' | 'member';
  userId: string;
  username: string;
};

export type MemberList = {
  items: Member[];
  /** NextCursor asks for the page after this one; "" on the last page. */
  nextCursor?: string;
  /** Position is that of the view: the page shows every event up to it. */
  position: string;
};

export type MemberUpdated = {
  /** RFC 3339 in UTC, with milliseconds. */
  at: string;
  by: string;
  /** RFC 3339 in UTC, with milliseconds. */
  joinedAt: string;
  /** A position of the log: a decimal number. */
  position: string;
  role: 'owner' | 'moderator' | 'member';
  roomId: string;
  userId: string;
  username: string;
};

export type Membership = {
  /** RFC 3339 in UTC, with milliseconds. */
  at: string;
  by: string;
  /** A position of the log: a decimal number. */
  position: string;
  reason?: string;
  role?: 'owner' | 'moderator' | 'member';
  roomId: string;
  userId: string;
  username: string;
};

export type Message = {
  /** RFC 3339 in UTC, with milliseconds. */
  at: string;
  attachments: Attachment[];
  clientMessageId?: string;
  content: string;
  /** RFC 3339 in UTC, with milliseconds. */
  deletedAt: string | null;
  /** RFC 3339 in UTC, with milliseconds. */
  editedAt: string | null;
  id: string;
  mentions: string[];
  pinned: boolean;
  /** Position is that of the last event that changed the message. */
  position: string;
  reactions: Record<string, string[]>;
  replyTo: string | null;
  roomId: string;
  sender: Sender;
  seq: number;
  /** Thread sums up the answers in what is fetched; nil when there are none. Pushes and acks never have it. */
  thread?: Thread;
};

export type MessageDeleted = {
  /** RFC 3339 in UTC, with milliseconds. */
  at: string;
  messageId: string;
  /** A position of the log: a decimal number. */
  position: string;
  roomId: string;
  seq: number;
  /** UserID deleted the message. */
  userId: string;
};

export type MessageList = {
  items: Message[];
  /** NextCursor asks for the page after this one; "" on the last page. */
  nextCursor?: string;
  /** Position is that of the view: the page shows every event up to it. */
  position: string;
};

export type MessageRef = {
  messageId: string;
  roomId: string;
};

export type Methods = {
  /** Accounts says that there are local ones, to register and log in with. Else tokens are of an identity provider. */
  accounts: boolean;
  demoUsers?: DemoUser[];
};

export type NodeConnections = {
  byTransport: Record<string, number>;
  node: string;
  /** SeenAt is when the node said so. */
  seenAt: string;
  total: number;
};

export type Notification = {
  /** From is the id of the user who caused it. */
  from: string;
  kind: string;
  messageId?: string;
  roomId: string;
};

export type OwnUser = {
  active: boolean;
  avatarUrl: string;
  displayName: string;
  email?: string;
  id: string;
  /** Position is that of the last event of the user's own stream. */
  position: string;
  roles: ('admin' | 'analyst')[];
  username: string;
};

export type Page = {
  hasMoreAfter: boolean;
  /** HasMoreBefore and HasMoreAfter say whether the room goes on below and above. */
  hasMoreBefore: boolean;
  /** Items ascend by seq. */
  items: Message[];
  /** Position is that of the view: the page shows every event up to it and none after it. */
  position: string;
};

export type Pin = {
  /** RFC 3339 in UTC, with milliseconds. */
  at: string;
  messageId: string;
  /** A position of the log: a decimal number. */
  position: string;
  roomId: string;
  seq: number;
  /** UserID pinned or unpinned the message. */
  userId: string;
};

export type Presence = {
  /** LastSeenAt is when what others see of it changed last; null if they have never seen the user. */
  lastSeenAt: string | null;
  /** Position is where that was recorded; 0 for nowhere. */
  position: string;
  status: 'online' | 'away' | 'busy' | 'invisible' | 'offline';
  text: string;
  userId: string;
};

export type PresenceChanged = {
  /** RFC 3339 in UTC, with milliseconds. */
  at: string;
  /** LastSeenAt is when what others see of it changed last; null if they have never seen the user. */
  lastSeenAt: string | null;
  /** Position is where that was recorded; 0 for nowhere. */
  position: string;
  status: 'online' | 'away' | 'busy' | 'invisible' | 'offline';
  text: string;
  userId: string;
};

export type PresenceList = {
  items: Presence[];
  /** NextCursor asks for the page after this one; "" on the last page. */
  nextCursor?: string;
  /** Position is that of the view: the page shows every event up to it. */
  position: string;
};

export type Problem = {
  /** What a client may branch on. */
  code: 'UNAUTHENTICATED' | 'TOKEN_EXPIRED' | 'INVALID_USER' | 'FORBIDDEN' | 'NOT_A_MEMBER' | 'ROOM_NOT_FOUND' | 'ROOM_ARCHIVED' | 'ROOM_EXISTS' | 'MESSAGE_NOT_FOUND' | 'MESSAGE_DELETED' | 'INVALID_PAYLOAD' | 'UNKNOWN_EVENT' | 'CONTENT_TOO_LONG' | 'RATE_LIMITED' | 'TOO_MANY_ROOMS' | 'TOO_MANY_CONNECTIONS' | 'CONFLICT' | 'LAST_OWNER' | 'STALE' | 'UNAVAILABLE' | 'INTERNAL';
  detail: string;
  /** Fields says what is wrong with each field of the body or parameter of the query. */
  fields?: Record<string, string>;
  requestId: string;
  retryAfterMs?: number;
  status: number;
  /** Title is the status in words. */
  title: string;
  /** Type is a URN of the code. */
  type: string;
};

export type Projection = {
  /** RFC 3339 in UTC, with milliseconds. */
  at: string;
  node: string;
  /** Position is up to where the view was with that. */
  position: string;
  view: string;
};

export type Publication = {
  /** RFC 3339 in UTC, with milliseconds. */
  at: string;
  by: string;
};

export type PublishQueue = {
  bytes: number;
  commits: number;
  dropped: number;
  published: number;
};

export type PushQueue = {
  bytes: number;
  /** Dropped counts volatile pushes for which a queue was too full, SlowConsumers the sockets that were closed. */
  dropped: number;
  frames: number;
  held: number;
  maxBytesOfOne: number;
  /** Paused sockets are just coming in, Held pushes wait for them. */
  paused: number;
  slowConsumers: number;
};

export type Queues = {
  append: AppendQueue;
  follow: FollowQueue;
  publish: PublishQueue;
  push: PushQueue;
};

export type React = {
  emoji?: string;
  messageId: string;
  roomId: string;
};

export type Reacted = {
  messageId: string;
  /** A position of the log: a decimal number. */
  position: string;
  /** Reactions are those of the message, each with the ids of its users. They are as of Position, unless others reacted to the message at the same moment: their reactions may be missing, and are pushed. */
  reactions: Record<string, string[]>;
};

export type Reaction = {
  /** RFC 3339 in UTC, with milliseconds. */
  at: string;
  emoji: string;
  messageId: string;
  /** A position of the log: a decimal number. */
  position: string;
  roomId: string;
  seq: number;
  /** UserID reacted. */
  userId: string;
};

export type Read = {
  mentionCount: number;
  /** A position of the log: a decimal number. */
  position: string;
  roomId: string;
  /** Seq is up to where the actor has read now. */
  seq: number;
  /** UnreadCount and MentionCount are what is left. */
  unreadCount: number;
};

export type Receipt = {
  /** RFC 3339 in UTC, with milliseconds. */
  at: string;
  messageId: string;
  /** A position of the log: a decimal number. */
  position: string;
  roomId: string;
  seq: number;
  userId: string;
};

export type ReceiptList = {
  items: RestReceipt[];
  /** NextCursor asks for the page after this one; "" on the last page. */
  nextCursor?: string;
  /** Position is that of the view: the page shows every event up to it. */
  position: string;
};

export type RefreshToken = {
  token?: string;
};

export type Refreshed = {
  /** ExpiresAt is when the session ends now. It is left out if that is never. */
  expiresAt?: string;
};

export type RemoveMember = {
  roomId: string;
  userId: string;
};

export type RestReceipt = {
  /** RFC 3339 in UTC, with milliseconds. */
  deliveredAt: string | null;
  deliveredSeq: number;
  /** ReadAt is when the member came to ReadSeq or, where it was asked for one message, when it had read that; nil for who has read nothing. */
  readAt: string | null;
  readSeq: number;
  userId: string;
};

export type RestSynced = {
  events: SyncedEvent[];
  /** More says that there were more when it was asked. */
  more: boolean;
  /** Position is up to where the events are complete. With it the next request goes on. */
  position: string;
};

export type RestUnread = {
  mentionCount: number;
  /** ReadSeq is up to where nothing is unread. */
  readSeq: number;
  roomId: string;
  unreadCount: number;
};

export type ResyncRequired = {
  /** A position of the log: a decimal number. */
  position: string;
};

export type RevisionPage = {
  /** HasMoreBefore says that there are older ones. */
  hasMoreBefore: boolean;
  /** Items ascend by position: the message as it was sent, after each edit, and once it was deleted. They show no reactions and pins. */
  items: Message[];
  /** Position is that of the last event shown. */
  position: string;
};

export type Room = {
  /** RFC 3339 in UTC, with milliseconds. */
  archivedAt: string | null;
  /** RFC 3339 in UTC, with milliseconds. */
  createdAt: string;
  createdBy: string;
  id: string;
  memberCount: number;
  name: string;
  /** Position is that of the last event of the room's own stream that changed it. */
  position: string;
  topic: string;
  type: 'public' | 'private' | 'direct';
};

export type RoomChanged = {
  /** RFC 3339 in UTC, with milliseconds. */
  archivedAt: string | null;
  /** RFC 3339 in UTC, with milliseconds. */
  at: string;
  /** RFC 3339 in UTC, with milliseconds. */
  createdAt: string;
  createdBy: string;
  id: string;
  memberCount: number;
  name: string;
  /** Position is that of the last event of the room's own stream that changed it. */
  position: string;
  roomId: string;
  topic: string;
  type: 'public' | 'private' | 'direct';
};

export type RoomList = {
  items: Room[];
  /** NextCursor asks for the page after this one; "" on the last page. */
  nextCursor?: string;
  /** Position is that of the view: the page shows every event up to it. */
  position: string;
};

export type RoomOnly = {
  roomId: string;
};

export type RoomRef = {
  roomId: string;
};

export type SendMessage = {
  attachments?: {
    contentType?: string;
    name?: string;
    /** Size is in bytes, as the sender states it. */
    size?: number;
    url?: string;
  }[];
  clientMessageId?: string;
  content?: string;
  mentions?: string[];
  replyTo?: string;
  roomId: string;
};

export type Sender = {
  avatarUrl: string;
  displayName: string;
  id: string;
  username: string;
};

export type SessionStart = {
  pid?: string;
  /** Position is where the client's cursor stands; what follows is after it. */
  position: string;
  /** Rooms are what the session hears. */
  rooms: string[];
  /** RoomsPosition is as of where they are: of rooms that the user has left before nothing is told. */
  roomsPosition: string;
  userId: string;
};

export type SetRole = {
  role: 'owner' | 'moderator' | 'member';
  roomId: string;
  userId: string;
};

export type SocketMetrics = {
  /** Connections are those that are let in. */
  connections: ConnectionCount;
  /** Errors counts the answers that were no success, by code, since the node started. */
  errors: Record<string, number>;
  /** Latency is how long commands took until they were answered, by event, in ms, in the last 5 to 6 minutes. */
  latency: Record<string, Latency>;
  node: string;
  /** Rooms are heard by at least one of them. */
  rooms: number;
};

export type StatusItems = {
  items: ViewStatus[];
};

export type Stream = {
  category: string;
  /** Position and RecordedAt are those of the last event. */
  position: string;
  recordedAt: string;
  stream: string;
  /** Version is that of the last event: the number of events. */
  version: number;
};

export type StreamAnswer = {
  items: Envelope[];
  /** NextVersion asks for the page after this one as fromVersion. */
  nextVersion?: number;
  stream: string;
  version: number;
};

export type StreamList = {
  items: Stream[];
  /** NextCursor asks for the page after this one; "" on the last page. */
  nextCursor?: string;
  /** Position is that of the view: the page shows every event up to it. */
  position: string;
};

export type Summary = {
  /** RFC 3339 in UTC, with milliseconds. */
  archivedAt: string | null;
  /** RFC 3339 in UTC, with milliseconds. */
  createdAt: string;
  createdBy: string;
  id: string;
  /** LastMessage is nil in a room where nothing was said. */
  lastMessage: Message | null;
  /** LastSeq is the number of messages in the room, deleted ones among them. */
  lastSeq: number;
  memberCount: number;
  mentionCount: number;
  name: string;
  /** Position is that of the last event of the room's own stream that changed it. */
  position: string;
  /** ReadSeq is up to where nothing is unread for the user: what it has read and sent, or where the room was when it came. */
  readSeq: number;
  topic: string;
  type: 'public' | 'private' | 'direct';
  unreadCount: number;
};

export type SummaryList = {
  items: Summary[];
  /** NextCursor asks for the page after this one; "" on the last page. */
  nextCursor?: string;
  /** Position is that of the view: the page shows every event up to it. */
  position: string;
};

export type SyncRequest = {
  limit?: number;
  position?: string;
  rooms?: Record<string, number>;
};

export type Synced = {
  /** Denied are the rooms that were named and may not be read. */
  denied?: DeniedOne[];
  events: SyncedEvent[];
  /** More says that there were more when it was asked. */
  more: boolean;
  /** Position is up to where the events are complete. With it the next request goes on. */
  position: string;
};

export type SyncedEvent = {
  data: Record<string, unknown>;
  event: string;
  /** A position of the log: a decimal number. */
  offset: string;
};

export type Thread = {
  /** RFC 3339 in UTC, with milliseconds. */
  lastReplyAt: string;
  lastReplySeq: number;
  /** ReplyCount counts deleted answers too: they are listed as tombstones. */
  replyCount: number;
};

export type Tokens = {
  accessToken: string;
  /** ExpiresIn is in seconds. */
  expiresIn: number;
  refreshToken: string;
  tokenType: string;
  user: OwnUser;
};

export type Trace = {
  /** Changes are what happened to the message afterwards, the first 99 of it. */
  changes: Traced[];
  command: TracedCommand;
  /** Complete is false while other nodes cannot be heard of. */
  complete: boolean;
  deliveries: Delivery[];
  event: TracedEvent;
  hasMore: boolean;
  messageId: string;
  projections: Projection[];
  /** Published is nil when that is not remembered, or when nobody could be told. */
  published: Publication | null;
  roomId: string;
  seq: number;
  /** StoredAt is when the node that stored it knew so; nil when that is not remembered. */
  storedAt: string | null;
};

export type Traced = {
  command: TracedCommand;
  /** Complete is false while other nodes cannot be heard of. */
  complete: boolean;
  deliveries: Delivery[];
  event: TracedEvent;
  projections: Projection[];
  /** Published is nil when that is not remembered, or when nobody could be told. */
  published: Publication | null;
  /** StoredAt is when the node that stored it knew so; nil when that is not remembered. */
  storedAt: string | null;
};

export type TracedCommand = {
  /** RFC 3339 in UTC, with milliseconds. */
  answeredAt: string | null;
  causationId?: string;
  correlationId: string;
  /** Event is the name by which sockets ask for it. */
  event: string;
  /** ReceivedAt is null when it is not remembered and no id tells. */
  receivedAt: string | null;
  /** SocketID is "" for what was asked for over HTTP. */
  socketId?: string;
  userId: string;
};

export type TracedEvent = {
  id: string;
  node: string;
  /** A position of the log: a decimal number. */
  position: string;
  /** RFC 3339 in UTC, with milliseconds. */
  recordedAt: string;
  stream: string;
  type: string;
  version: number;
};

export type Typing = {
  /** ExpiresAt is when it is over if nothing else is told. */
  expiresAt: string;
  roomId: string;
  userId: string;
  username: string;
};

export type TypingStopped = {
  roomId: string;
  userId: string;
  username: string;
};

export type Unread = {
  mentionCount: number;
  roomId: string;
  unreadCount: number;
};

export type UnreadList = {
  items: RestUnread[];
  mentionCount: number;
  /** NextCursor asks for the page after this one; "" on the last page. */
  nextCursor?: string;
  /** Position is that of the view: the page shows every event up to it. */
  position: string;
  unreadCount: number;
};

export type UpdatePresence = {
  status: 'online' | 'away' | 'busy' | 'invisible' | 'offline';
  /** Text is said with it; nil leaves it as it is. */
  text?: string;
};

export type UpdateRoom = {
  name?: string;
  roomId: string;
  topic?: string;
};

export type UpkeepJob = {
  /** By is the user who asked for it, Node the one that does it. */
  by: string;
  /** Compared is how many rooms and users a proof has looked at. */
  compared?: number;
  /** Differences is how many there are; a rebuild looks at ten for each table at most. Examples names the first ones of a proof. */
  differences: number;
  /** Done of Total events are read. Total is 0 where nobody knows, as with a sample. */
  done: number;
  endedAt?: string;
  error?: string;
  examples?: ViewDifference[];
  /** Finding is there at the end. */
  finding?: string;
  id: string;
  kind: string;
  node: string;
  /** Sample is how many rooms and users a proof looks at, 0 for all. */
  sample?: number;
  startedAt: string;
  state: string;
  total: number;
  /** View is that of a rebuild. */
  view?: string;
};

export type User = {
  active: boolean;
  avatarUrl: string;
  displayName: string;
  id: string;
  /** Position is that of the last event of the user's own stream. */
  position: string;
  username: string;
};

export type UserList = {
  items: User[];
  /** NextCursor asks for the page after this one; "" on the last page. */
  nextCursor?: string;
  /** Position is that of the view: the page shows every event up to it. */
  position: string;
};

export type ViewDifference = {
  view: string;
  what: string;
};

export type ViewStatus = {
  /** Drift is how many differences from the log are known. It is for who fills it in: a Runner does not. */
  drift: number;
  /** Error is why the view failed or starts again. */
  error?: string;
  /** Head is that of the log. */
  head: string;
  /** Lag is the number of events between the two. */
  lag: number;
  /** LastError is the last one that there was on this node, also when all is well again, and LastErrorAt its time. */
  lastError?: string;
  lastErrorAt?: string;
  name: string;
  /** Position is the last one known: on a node that stands by it is read once a second. */
  position: string;
  /** Rate is how many events this node has applied lately, per second. */
  rate: number;
  state: string;
};

export type WatchPresence = {
  userIds?: string[];
};

export type Watched = {
  users: Presence[];
};

export type Webhook = {
  /** Attempts is how many deliveries have failed in a row, since FailingSince. */
  attempts: number;
  categories: string[];
  /** RFC 3339 in UTC, with milliseconds. */
  createdAt: string;
  /** RFC 3339 in UTC, with milliseconds. */
  deliveredAt: string | null;
  /** RFC 3339 in UTC, with milliseconds. */
  failingSince: string | null;
  /** A position of the log: a decimal number. */
  head: string;
  lag: number;
  /** LastError is the last one there was, also when all is well again. */
  lastError: string;
  /** RFC 3339 in UTC, with milliseconds. */
  lastErrorAt: string | null;
  maxEvents: number;
  name: string;
  /** RFC 3339 in UTC, with milliseconds. */
  nextAttemptAt: string | null;
  owner: string;
  /** RFC 3339 in UTC, with milliseconds. */
  parkedAt: string | null;
  /** Position is up to where everything has been delivered. */
  position: string;
  /** Secret is shown once, to who made the webhook without naming one. */
  secret?: string;
  state: string;
  streams: string[];
  types: string[];
  url: string;
};

export type WebhookItems = {
  items: Webhook[];
};

/** What a client may say on the socket, and what it is answered with. */
export interface Commands {
  /** Invite a user. */
  'add-member': { payload: AddMember; data: MemberChanged };
  /** React. */
  'add-reaction': { payload: React; data: Reacted };
  /** Close a room for good. */
  'archive-room': { payload: RoomRef | string; data: Room };
  /** Up to 100 commands, answered with an array of acks in their order. */
  'batch-update': { payload: {
      data?: unknown;
      event: string;
    }[]; data: Ack[] };
  /** Open a room; the socket hears it if it has a free place. */
  'create-room': { payload: CreateRoom; data: Room };
  /** Leave a tombstone. */
  'delete-message': { payload: DeleteMessage; data: Deleted };
  /** Change one's own message. */
  'edit-message': { payload: EditMessage; data: Message };
  /** Hear a room; of a public room one becomes a member. */
  'join-room': { payload: RoomRef | string; data: JoinedRoom };
  /** Hear several rooms. */
  'join-rooms': { payload: JoinRooms | string[]; data: JoinedRooms };
  /** Be a member no more. */
  'leave-room': { payload: RoomRef | string; data: Left };
  /** Have got up to a message. */
  'mark-delivered': { payload: Mark; data: Delivered };
  /** Have read up to a message, named by messageId or seq. */
  'mark-read': { payload: Mark; data: Read };
  /** Pin a message. */
  'pin-message': { payload: MessageRef; data: Done };
  /** Stay, with a new token. */
  'refresh-token': { payload: RefreshToken; data: Refreshed };
  /** Remove a member. */
  'remove-member': { payload: RemoveMember; data: Done };
  /** Take one's reaction back. */
  'remove-reaction': { payload: React; data: Reacted };
  /** Say something; with clientMessageId a repetition answers with the first message. */
  'send-message': { payload: SendMessage; data: Message };
  /** Give a member a role. */
  'set-role': { payload: SetRole; data: MemberChanged };
  /** Read again what one could have heard. */
  'sync': { payload: SyncRequest; data: Synced };
  /** Be typing, for some seconds. */
  'typing-start': { payload: RoomRef | string; data: Record<string, never> };
  /** Type no more. */
  'typing-stop': { payload: RoomRef | string; data: Record<string, never> };
  /** Unpin a message. */
  'unpin-message': { payload: MessageRef; data: Done };
  /** Hear a room no more, and stay a member. */
  'unsubscribe-room': { payload: RoomRef | string; data: RoomOnly };
  /** Say how one is there. */
  'update-presence': { payload: UpdatePresence; data: Presence };
  /** Change name or topic. */
  'update-room': { payload: UpdateRoom; data: Room };
  /** Hear how users are there; an empty list ends it. */
  'watch-presence': { payload: WatchPresence | string[]; data: Watched };
}

/** What the server tells on the socket. */
export interface Events {
  /** What became of a command that wanted no ack. */
  'error': FailedCommand;
  /** A member has another role. */
  'member-updated': MemberUpdated;
  /** A message is a tombstone now. */
  'message-deleted': MessageDeleted;
  /** A member has got up to a message. */
  'message-delivered': Receipt;
  /** A message is another now. */
  'message-edited': Message;
  /** A message was pinned. */
  'message-pinned': Pin;
  /** A member has read up to a message. */
  'message-read': Receipt;
  /** A message was unpinned. */
  'message-unpinned': Pin;
  /** Somebody said something. */
  'new-message': Message;
  /** The user was mentioned, invited or written to. */
  'notification': Notification;
  /** A watched user is there in another way. */
  'presence-changed': PresenceChanged;
  /** Somebody reacted. */
  'reaction-added': Reaction;
  /** Somebody took a reaction back. */
  'reaction-removed': Reaction;
  /** What was before the position has to be read by REST. */
  'resync-required': ResyncRequired;
  /** A room is closed. */
  'room-archived': RoomChanged;
  /** One is a member of a new room. */
  'room-created': RoomChanged;
  /** A room has another name or topic. */
  'room-updated': RoomChanged;
  /** This node stops; come back after that time. */
  'server-draining': Draining;
  /** The first event: who one is, what one hears, and where the cursor stands. */
  'session': SessionStart;
  /** The socket closes soon unless refresh-token is sent. */
  'token-expiring': Expiring;
  /** Somebody types; told once, and over at expiresAt. */
  'typing-started': Typing;
  /** Somebody types no more. */
  'typing-stopped': TypingStopped;
  /** The user has another number left to read. */
  'unread-changed': Unread;
  /** A room has another member. */
  'user-joined': Membership;
  /** A room has a member less. */
  'user-left': Membership;
}

/** The REST interface and the diagnostics, where they answer with JSON. */
export interface Endpoints {
  /** Log in by username or email. */
  'POST /api/v1/auth/login': {
    body: {
      email?: string;
      password: string;
      username?: string;
    };
    answer: Tokens;
  };
  /** End this login, or with all every one. */
  'POST /api/v1/auth/logout': {
    body: {
      all?: boolean;
      refreshToken?: string;
    };
    answer: Record<string, never>;
  };
  /** How one gets in. */
  'GET /api/v1/auth/methods': {
    answer: Methods;
  };
  /** Exchange a refresh token; the old one is void, and using it again ends the login. */
  'POST /api/v1/auth/refresh': {
    body: {
      refreshToken: string;
    };
    answer: Tokens;
  };
  /** Make a local account. */
  'POST /api/v1/auth/register': {
    body: {
      displayName?: string;
      email?: string;
      password: string;
      username: string;
    };
    answer: Tokens;
  };
  /** Consumers of the log. */
  'GET /api/v1/consumers': {
    answer: ConsumerItems;
  };
  /** Remove a consumer. */
  'DELETE /api/v1/consumers/{name}': {
    path: {
      name: string;
    };
    answer: Consumer;
  };
  /** A consumer. */
  'GET /api/v1/consumers/{name}': {
    path: {
      name: string;
    };
    answer: Consumer;
  };
  /** Make or change a consumer; 201 for a new one. */
  'PUT /api/v1/consumers/{name}': {
    path: {
      name: string;
    };
    body: {
      categories?: string[];
      position?: string;
      streams?: string[];
      time?: string;
      types?: string[];
    };
    answer: Consumer;
  };
  /** Be done with everything up to a position. */
  'POST /api/v1/consumers/{name}/ack': {
    path: {
      name: string;
    };
    body: {
      position: string;
    };
    answer: Consumer;
  };
  /** What follows what was acknowledged. */
  'GET /api/v1/consumers/{name}/events': {
    path: {
      name: string;
    };
    query: {
      limit?: string;
      wait?: string;
    };
    answer: ConsumerPage;
  };
  /** Go to another position. */
  'POST /api/v1/consumers/{name}/rewind': {
    path: {
      name: string;
    };
    body: {
      position?: string;
      time?: string;
    };
    answer: Consumer;
  };
  /** An event. */
  'GET /api/v1/events/{position}': {
    path: {
      position: string;
    };
    answer: Envelope;
  };
  /** The way of a message from command to delivery, with times. */
  'GET /api/v1/messages/{id}/trace': {
    path: {
      id: string;
    };
    answer: Trace;
  };
  /** How users are there. */
  'GET /api/v1/presence': {
    query: {
      userIds?: string;
    };
    answer: PresenceList;
  };
  /** The caller's rooms by latest activity, or with scope=public those that anybody may join (then without what is the caller's own). */
  'GET /api/v1/rooms': {
    query: {
      cursor?: string;
      limit?: string;
      q?: string;
      scope?: string;
    };
    answer: SummaryList | RoomList;
  };
  /** Open a room. */
  'POST /api/v1/rooms': {
    body: {
      id?: string;
      memberIds?: string[];
      name?: string;
      topic?: string;
      type: 'public' | 'private' | 'direct';
    };
    answer: Room;
  };
  /** Archive a room. */
  'DELETE /api/v1/rooms/{id}': {
    path: {
      id: string;
    };
    answer: Room;
  };
  /** A room. */
  'GET /api/v1/rooms/{id}': {
    path: {
      id: string;
    };
    query: {
      at?: string;
    };
    answer: Room;
  };
  /** Change name or topic. */
  'PATCH /api/v1/rooms/{id}': {
    path: {
      id: string;
    };
    body: {
      name?: string;
      topic?: string;
    };
    answer: Room;
  };
  /** The members of a room. */
  'GET /api/v1/rooms/{id}/members': {
    path: {
      id: string;
    };
    query: {
      at?: string;
      cursor?: string;
      limit?: string;
    };
    answer: MemberList;
  };
  /** Remove a member; of oneself: leave. */
  'DELETE /api/v1/rooms/{id}/members/{userId}': {
    path: {
      id: string;
      userId: string;
    };
    answer: Done | Left;
  };
  /** Invite a user or give a member a role; of oneself without a role: join. */
  'PUT /api/v1/rooms/{id}/members/{userId}': {
    path: {
      id: string;
      userId: string;
    };
    body: {
      role?: 'owner' | 'moderator' | 'member';
    };
    answer: MemberChanged;
  };
  /** A page of a room, the newest if nothing is said, ascending by seq. */
  'GET /api/v1/rooms/{id}/messages': {
    path: {
      id: string;
    };
    query: {
      after?: string;
      around?: string;
      at?: string;
      before?: string;
      limit?: string;
      pinned?: string;
    };
    answer: Page;
  };
  /** Send a message. */
  'POST /api/v1/rooms/{id}/messages': {
    path: {
      id: string;
    };
    body: {
      attachments?: {
        contentType?: string;
        name?: string;
        /** Size is in bytes, as the sender states it. */
        size?: number;
        url?: string;
      }[];
      clientMessageId?: string;
      content?: string;
      mentions?: string[];
      replyTo?: string;
    };
    answer: Message;
  };
  /** Delete a message. */
  'DELETE /api/v1/rooms/{id}/messages/{mid}': {
    path: {
      id: string;
      mid: string;
    };
    answer: Deleted;
  };
  /** A message. */
  'GET /api/v1/rooms/{id}/messages/{mid}': {
    path: {
      id: string;
      mid: string;
    };
    query: {
      at?: string;
    };
    answer: Message;
  };
  /** Edit one's own message. */
  'PATCH /api/v1/rooms/{id}/messages/{mid}': {
    path: {
      id: string;
      mid: string;
    };
    body: {
      content?: string;
    };
    answer: Message;
  };
  /** Unpin a message. */
  'DELETE /api/v1/rooms/{id}/messages/{mid}/pin': {
    path: {
      id: string;
      mid: string;
    };
    answer: Done;
  };
  /** Pin a message. */
  'PUT /api/v1/rooms/{id}/messages/{mid}/pin': {
    path: {
      id: string;
      mid: string;
    };
    answer: Done;
  };
  /** Take one's reaction back. */
  'DELETE /api/v1/rooms/{id}/messages/{mid}/reactions/{emoji}': {
    path: {
      id: string;
      mid: string;
      emoji: string;
    };
    answer: Reacted;
  };
  /** React. */
  'PUT /api/v1/rooms/{id}/messages/{mid}/reactions/{emoji}': {
    path: {
      id: string;
      mid: string;
      emoji: string;
    };
    answer: Reacted;
  };
  /** Who has read a message, and when. */
  'GET /api/v1/rooms/{id}/messages/{mid}/readers': {
    path: {
      id: string;
      mid: string;
    };
    query: {
      cursor?: string;
      limit?: string;
    };
    answer: ReceiptList;
  };
  /** The answers to a message. */
  'GET /api/v1/rooms/{id}/messages/{mid}/replies': {
    path: {
      id: string;
      mid: string;
    };
    query: {
      after?: string;
      around?: string;
      before?: string;
      limit?: string;
    };
    answer: Page;
  };
  /** What the message was; once deleted only for its author and moderators. */
  'GET /api/v1/rooms/{id}/messages/{mid}/revisions': {
    path: {
      id: string;
      mid: string;
    };
    query: {
      before?: string;
      limit?: string;
    };
    answer: RevisionPage;
  };
  /** How the members of a room are there. */
  'GET /api/v1/rooms/{id}/presence': {
    path: {
      id: string;
    };
    query: {
      cursor?: string;
      limit?: string;
    };
    answer: PresenceList;
  };
  /** Mark as read up to a message. */
  'PUT /api/v1/rooms/{id}/read': {
    path: {
      id: string;
    };
    body: {
      messageId?: string;
      seq?: number;
    };
    answer: Read;
  };
  /** How far each member has read. */
  'GET /api/v1/rooms/{id}/receipts': {
    path: {
      id: string;
    };
    query: {
      at?: string;
      cursor?: string;
      limit?: string;
    };
    answer: ReceiptList;
  };
  /** Find messages in the rooms of the caller, the best first. */
  'GET /api/v1/search': {
    query: {
      cursor?: string;
      limit?: string;
      q?: string;
      roomId?: string;
    };
    answer: MessageList;
  };
  /** Streams by name. */
  'GET /api/v1/streams': {
    query: {
      category?: string;
      cursor?: string;
      limit?: string;
    };
    answer: StreamList;
  };
  /** A page of a stream, or with format all of it. */
  'GET /api/v1/streams/{id}': {
    path: {
      id: string;
    };
    query: {
      format?: string;
      fromVersion?: string;
      limit?: string;
    };
    answer: StreamAnswer;
  };
  /** What the caller could have heard since a position, as it is pushed. */
  'GET /api/v1/sync': {
    query: {
      limit?: string;
      since?: string;
    };
    answer: RestSynced;
  };
  /** What is left to read. */
  'GET /api/v1/unread': {
    query: {
      at?: string;
      cursor?: string;
      limit?: string;
    };
    answer: UnreadList;
  };
  /** Find users. */
  'GET /api/v1/users': {
    query: {
      cursor?: string;
      limit?: string;
      q?: string;
    };
    answer: UserList;
  };
  /** The caller. */
  'GET /api/v1/users/me': {
    answer: OwnUser;
  };
  /** Change one's own profile. */
  'PATCH /api/v1/users/me': {
    body: {
      avatarUrl?: string;
      displayName?: string;
    };
    answer: OwnUser;
  };
  /** A user. */
  'GET /api/v1/users/{id}': {
    path: {
      id: string;
    };
    answer: User;
  };
  /** Shut a user out, on all nodes within seconds. */
  'POST /api/v1/users/{id}/deactivate': {
    path: {
      id: string;
    };
    answer: Done;
  };
  /** Shut a user out for good, and blank what they wrote and were called by, everywhere; 202 while that goes on. */
  'POST /api/v1/users/{id}/erase': {
    path: {
      id: string;
    };
    answer: Erased;
  };
  /** Let a user in again. */
  'POST /api/v1/users/{id}/reactivate': {
    path: {
      id: string;
    };
    answer: Done;
  };
  /** Webhooks. */
  'GET /api/v1/webhooks': {
    answer: WebhookItems;
  };
  /** Remove a webhook. */
  'DELETE /api/v1/webhooks/{name}': {
    path: {
      name: string;
    };
    answer: Webhook;
  };
  /** A webhook. */
  'GET /api/v1/webhooks/{name}': {
    path: {
      name: string;
    };
    answer: Webhook;
  };
  /** Make or change a webhook; 201 for a new one. */
  'PUT /api/v1/webhooks/{name}': {
    path: {
      name: string;
    };
    body: {
      categories?: string[];
      /** MaxEvents bounds the events of one delivery; 0 keeps what it was. */
      maxEvents?: number;
      position?: string;
      /** Secret is "whsec_" and 24 to 64 bytes in base64; when left out the webhook keeps its own, and a new one gets one. */
      secret?: string;
      streams?: string[];
      time?: string;
      types?: string[];
      url?: string;
    };
    answer: Webhook;
  };
  /** Go on with a parked webhook. */
  'POST /api/v1/webhooks/{name}/resume': {
    path: {
      name: string;
    };
    answer: Webhook;
  };
  /** Deliver again from a position or time. */
  'POST /api/v1/webhooks/{name}/rewind': {
    path: {
      name: string;
    };
    body: {
      position?: string;
      time?: string;
    };
    answer: Webhook;
  };
  /** What this node did in the last ten minutes, as lines to draw. */
  'GET /debug/load': {
    query: {
      since?: string;
    };
    answer: Load;
  };
  /** How far each view is. */
  'GET /debug/projections': {
    answer: StatusItems;
  };
  /** Make a view anew from the log, one job at a time. */
  'POST /debug/projections/{name}/rebuild': {
    path: {
      name: string;
    };
    answer: UpkeepJob;
  };
  /** What waits on this node. */
  'GET /debug/queues': {
    answer: Queues;
  };
  /** The sockets of all nodes. */
  'GET /debug/socket/connections': {
    query: {
      cursor?: string;
      limit?: string;
      node?: string;
      transport?: string;
      userId?: string;
    };
    answer: Connections;
  };
  /** How the sockets of this node are doing. */
  'GET /debug/socket/metrics': {
    answer: SocketMetrics;
  };
  /** The rebuild or proof of views that is under way in any node, or the last one. */
  'GET /debug/upkeep': {
    answer: LastUpkeep;
  };
  /** End it. */
  'DELETE /debug/upkeep/{id}': {
    path: {
      id: string;
    };
    answer: Record<string, never>;
  };
  /** Prove the views from the log, one job at a time. */
  'POST /debug/verify': {
    body: {
      /** Sample is how many rooms and users, picked at random; 0 is all. */
      sample?: number;
    };
    answer: UpkeepJob;
  };
  /** Whether the process answers. */
  'GET /healthz': {
    answer: Health;
  };
  /** Whether this node should get requests; 503 with the same body when not. */
  'GET /readyz': {
    answer: Health;
  };
}
