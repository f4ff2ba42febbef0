import { MessagesSquare } from '../ui/icons';
import { Empty } from '../ui/Empty';

/** Where no room is open. */
export function Welcome({ empty }: { empty: boolean }) {
  return (
    <main id="messages" className="room" aria-label="Welcome">
      <Empty icon={<MessagesSquare size={36} aria-hidden="true" />} title={empty ? 'Welcome to Parley' : 'Pick a room'}>
        {empty ? 'Browse the public rooms, make one, or write to somebody.' : 'Its messages will be here.'}
      </Empty>
    </main>
  );
}
