import type { Member, RoomView } from '@parley/client';
import { useClient } from '@parley/react';
import { useState } from 'react';
import { UserPlus } from '../ui/icons';
import { Avatar } from '../ui/Avatar';
import { Dialog } from '../ui/Dialog';
import { messageOf } from '../ui/errors';
import { PeopleSearch, type Found } from './PeopleSearch';

interface Props {
  room: RoomView;
  members: ReadonlyMap<string, Member>;
  onClose: () => void;
}

export function InvitePeople({ room, members, onClose }: Props) {
  const client = useClient();
  const [error, setError] = useState<string>();
  const invite = (person: Found) => void client.command('add-member', { roomId: room.id, userId: person.id }).then(() => setError(undefined), (failure) => setError(messageOf(failure)));
  return (
    <Dialog title="Invite people" onClose={onClose}>
      <PeopleSearch error={error}>
        {(person) => (
          <div className="list-item">
            <Avatar name={person.displayName || person.username} />
            <span className="grow truncate">{person.username}</span>
            <Invite name={person.username} member={members.has(person.id)} onInvite={() => invite(person)} />
          </div>
        )}
      </PeopleSearch>
    </Dialog>
  );
}

/** It stays where it is, and keeps the focus, when it has done what it is for. */
function Invite({ name, member, onInvite }: { name: string; member: boolean; onInvite: () => void }) {
  if (member) return <button type="button" className="button small" aria-label={`${name} is a member`} aria-disabled="true">Member</button>;
  return <button type="button" className="button small" aria-label={`Invite ${name}`} onClick={onInvite}><UserPlus size={15} aria-hidden="true" />Invite</button>;
}
