import type { PendingMessage } from '@parley/client';
import { useClient } from '@parley/react';
import { CircleAlert, Clock } from '../ui/icons';
import { Markdown } from '../text/Markdown';
import { Avatar } from '../ui/Avatar';
import type { RowPlace } from './MessageList';

interface Props extends RowPlace {
  pending: PendingMessage;
  name: string;
  first: boolean;
}

/** One's own message on its way, or one that the server refused. */
export function PendingItem({ pending, name, first, position, tabIndex }: Props) {
  const client = useClient();
  const { clientMessageId: id, state, error } = pending;
  return (
    <article className={first ? 'message pending first' : 'message pending'} data-row={id} tabIndex={tabIndex} aria-posinset={position} aria-setsize={-1} aria-label={`You, ${stateText(pending)}: ${pending.content.slice(0, 120)}`}>
      <div className="gutter">{first && <Avatar name={name} />}</div>
      <div>
        {first && <div className="who"><strong className="truncate">{name}</strong></div>}
        <Markdown source={pending.content} />
        {state === 'failed' ? (
          <div className="failed" role="alert">
            <CircleAlert size={15} aria-hidden="true" />
            Not sent: {error?.message ?? 'the server refused it'}
            <button type="button" className="button small" onClick={() => client.retry(id)}>Retry</button>
            <button type="button" className="button small" onClick={() => client.discard(id)}>Discard</button>
          </div>
        ) : (
          <span className="note row">
            <Clock size={12} aria-hidden="true" />
            {stateText(pending)}
            {(state === 'queued' || state === 'waiting') && <button type="button" className="button plain small" onClick={() => client.discard(id)}>Discard</button>}
          </span>
        )}
      </div>
    </article>
  );
}

function stateText({ state }: PendingMessage): string {
  switch (state) {
    case 'failed':
      return 'Not sent';
    case 'queued':
    case 'waiting':
      return 'Waiting to send';
    default:
      return 'Sending…';
  }
}
