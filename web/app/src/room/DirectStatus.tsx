import { usePresence } from '@parley/react';
import { dateTime } from '../ui/time';

/** How the other one of a direct room is there. */
export function DirectStatus({ userId }: { userId: string }) {
  const presence = usePresence([userId]).get(userId);
  if (!presence) return null;
  const { status, text, lastSeenAt } = presence;
  const seen = status === 'offline' && lastSeenAt ? `last seen ${dateTime(lastSeenAt)}` : status;
  return <p className="muted small truncate">{text ? `${seen} · ${text}` : seen}</p>;
}
