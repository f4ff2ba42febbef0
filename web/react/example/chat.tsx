import { staticTokens } from '@parley/client';
import { Parley, useRooms, useSocket, useTimeline, useTyping } from '@parley/react';
import { useState } from 'react';

export function Chat({ url, token }: { url: string; token: string }) {
  const [tokens] = useState(() => staticTokens(token));
  return (
    <Parley url={url} tokens={tokens}>
      <Rooms />
    </Parley>
  );
}

function Rooms() {
  const { status } = useSocket();
  const { rooms } = useRooms();
  const [chosen, choose] = useState<string>();
  const roomId = chosen ?? rooms[0]?.id;
  return (
    <main>
      <p role="status">{status}</p>
      <nav>{rooms.map((room) => <button key={room.id} onClick={() => choose(room.id)}>{room.name} ({room.unreadCount})</button>)}</nav>
      {roomId && <Room key={roomId} roomId={roomId} />}
    </main>
  );
}

function Room({ roomId }: { roomId: string }) {
  const { items, pending, hasMoreBefore, loadBefore, send } = useTimeline(roomId);
  const { typists, touch } = useTyping(roomId);
  const say = (form: FormData) => void send(String(form.get('text')));
  return (
    <section>
      {hasMoreBefore && <button onClick={loadBefore}>Earlier</button>}
      {items.map((message) => <p key={message.id}>{message.sender.username}: {message.content}</p>)}
      {pending.map((message) => <p key={message.clientMessageId}>… {message.content}</p>)}
      {typists.length > 0 && <p>{typists.map((typist) => typist.username).join(', ')} typing</p>}
      <form action={say}><input name="text" aria-label="Message" required onChange={touch} /></form>
    </section>
  );
}
