import type { Member, RoomView } from '@parley/client';
import { useClient } from '@parley/react';
import { UserPlus } from '../ui/icons';
import { Avatar } from '../ui/Avatar';
import { Dialog } from '../ui/Dialog';
import { useNotices } from '../ui/Notices';
import { PeopleSearch, type Found } from './PeopleSearch';

interface Props {
  room: RoomView;
  members: ReadonlyMap<string, Member>;
  onClose: () => void;
}

export function InvitePeople({ room, members, onClose }: Props) {
  const client = useClient();
  const { fail } = useNotices();
  const invite = (person: Found) => void client.command('add-member', { roomId: room.id, userId: person.id }).catch(fail);
  return (
    <Dialog title="Invite people" onClose={onClose}>
      <PeopleSearch>
        {(person) => (
          <div className="list-item">
            <Avatar name={person.displayName || person.username} />
            <span className="grow truncate">{person.username}</span>
            {members.has(person.id) ? (
              <span className="muted small">Member</span>
            ) : (
              <button type="button" className="button small" aria-label={`Invite ${person.username}`} onClick={() => invite(person)}><UserPlus size={15} aria-hidden="true" />Invite</button>
            )}
          </div>
        )}
      </PeopleSearch>
    </Dialog>
  );
}
