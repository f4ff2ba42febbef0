import { useOutbox, useSocket } from '@parley/react';
import { CloudOff, RefreshCw } from '../ui/icons';
import { clockTime } from '../ui/time';
import { useSince } from '../ui/useSince';

/** Says when what is shown may be old, and what waits to be sent. Empty while all is well. */
export function Banner({ roomId }: { roomId: string }) {
  const { status, since, behind, error } = useSocket();
  const { messages } = useOutbox();
  const long = useSince(since) > 1500; // what is back at once is not worth a word
  const elsewhere = messages.filter((message) => message.state === 'failed' && message.roomId !== roomId).length;
  const waiting = messages.filter((message) => message.state !== 'failed').length;
  const lines = [
    status === 'offline' && long && `Offline since ${clockTime(since)}. Reconnecting…`,
    status === 'connecting' && long && 'Connecting…',
    status === 'refused' && `The server does not let this page in: ${error?.message ?? 'it did not say why'}`,
    behind > 0 && `${behind} ${behind === 1 ? 'message' : 'messages'} behind`,
    status !== 'online' && long && waiting > 0 && `${waiting} to be sent`,
    elsewhere > 0 && `${elsewhere} not sent in other rooms`,
  ].filter((text) => text !== false);
  const Icon = status === 'offline' || status === 'refused' ? CloudOff : RefreshCw;
  return (
    <div role="status" aria-label="Connection">
      {lines.length > 0 && (
        <p className="banner">
          <Icon size={16} aria-hidden="true" />
          {lines.join(' · ')}
        </p>
      )}
    </div>
  );
}
