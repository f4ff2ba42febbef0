import { useClient, useSocket } from '@parley/react';
import { Avatar } from '../ui/Avatar';
import { Dialog } from '../ui/Dialog';
import { useNotices } from '../ui/Notices';
import { navigate, roomPath } from '../ui/router';
import { PeopleSearch, type Found } from './PeopleSearch';

/** A pair has one direct room: asking for it again leads there. */
export function NewDirect({ onClose }: { onClose: () => void }) {
  const client = useClient();
  const { userId } = useSocket();
  const { fail } = useNotices();
  const write = (person: Found) =>
    client.command('create-room', { type: 'direct', name: '', memberIds: [person.id] }).then((room) => {
      onClose();
      navigate(roomPath(room.id));
    }, fail);
  return (
    <Dialog title="New direct message" onClose={onClose}>
      <PeopleSearch>
        {(person) =>
          person.id !== userId && (
            <button type="button" className="menu-item" onClick={() => void write(person)}>
              <Avatar name={person.displayName || person.username} />
              <span className="truncate">{person.username}</span>
            </button>
          )
        }
      </PeopleSearch>
    </Dialog>
  );
}
