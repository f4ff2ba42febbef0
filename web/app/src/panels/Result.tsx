import type { Message } from '@parley/client';
import { navigate, roomPath } from '../ui/router';
import { dateTime } from '../ui/time';

/** A message that was found; pressing it shows it where it was said. */
export function Result({ message, room }: { message: Message; room?: string | undefined }) {
  const name = message.sender.displayName || message.sender.username;
  return (
    <button type="button" className="result" onClick={() => navigate(roomPath(message.roomId, message.seq))}>
      <span className="sr-only">Jump to</span>
      <span className="row small"><strong className="truncate">{name}</strong><span className="muted truncate grow">{room}</span><time className="muted" dateTime={message.at}>{dateTime(message.at)}</time></span>
      <span className="text small">{message.content}</span>
    </button>
  );
}
