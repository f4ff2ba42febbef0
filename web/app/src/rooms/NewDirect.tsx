import { useClient, useSocket } from '@parley/react';
import { Avatar } from '../ui/Avatar';
import { Dialog } from '../ui/Dialog';
import { navigate, roomPath } from '../ui/router';
import { useAttempt } from '../ui/useAttempt';
import { PeopleSearch, type Found } from './PeopleSearch';

/** A pair has one direct room: asking for it again leads there. */
export function NewDirect({ onClose }: { onClose: () => void }) {
  const client = useClient();
  const { userId } = useSocket();
  const { error, attempt } = useAttempt();
  const write = (person: Found) =>
    attempt(async () => {
      const room = await client.command('create-room', { type: 'direct', name: '', memberIds: [person.id] });
      onClose();
      navigate(roomPath(room.id));
    });
  return (
    <Dialog title="New direct message" onClose={onClose}>
      <PeopleSearch error={error}>
        {(person) =>
          person.id !== userId && (
            <button type="button" className="menu-item" onClick={() => write(person)}>
              <Avatar name={person.displayName || person.username} />
              <span className="truncate">{person.username}</span>
            </button>
          )
        }
      </PeopleSearch>
    </Dialog>
  );
}
