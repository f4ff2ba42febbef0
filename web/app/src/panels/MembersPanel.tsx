import type { Member, RoomView } from '@parley/client';
import { useClient, useMembers, usePresence } from '@parley/react';
import { MessageSquare, UserMinus, UserPlus } from '../ui/icons';
import { useState } from 'react';
import { mayLead, mayModerate } from '../room/scope';
import { InvitePeople } from '../rooms/InvitePeople';
import { useRoomScope } from '../timeline/context';
import { Avatar } from '../ui/Avatar';
import { Confirm } from '../ui/Dialog';
import { Skeleton } from '../ui/Empty';
import { useNotices } from '../ui/Notices';
import { navigate, roomPath } from '../ui/router';
import { Panel } from './Panel';

const watched = 100; // of a room's members; the server watches 200 for each socket

/** Who is in the room, who is there now, and who may come. */
export function MembersPanel({ room, onClose }: { room: RoomView; onClose: () => void }) {
  const { userId } = useRoomScope();
  const client = useClient();
  const { fail } = useNotices();
  const { members, byId, status } = useMembers(room.id);
  const presence = usePresence(members.slice(0, watched).map((member) => member.userId));
  const [open, setOpen] = useState<'invite' | 'leave'>();
  const oneself = byId.get(userId);
  const mayInvite = room.type !== 'direct' && room.archivedAt === null;
  const mayRemove = mayInvite && mayModerate(oneself);
  const mayPromote = mayInvite && mayLead(oneself);

  const write = (member: Member) =>
    client.command('create-room', { type: 'direct', name: '', memberIds: [member.userId] }).then((direct) => navigate(roomPath(direct.id)), fail);
  const remove = (member: Member) => client.command('remove-member', { roomId: room.id, userId: member.userId }).catch(fail);
  const promote = (member: Member, role: Member['role']) => client.command('set-role', { roomId: room.id, userId: member.userId, role }).catch(fail);
  const leave = () => client.command('leave-room', { roomId: room.id }).then(() => navigate('/'), fail);

  const footer = mayInvite && (
    <div className="panel-footer row">
      <button type="button" className="button primary grow" onClick={() => setOpen('invite')}><UserPlus size={17} aria-hidden="true" />Invite</button>
      <button type="button" className="button" onClick={() => setOpen('leave')}>Leave room</button>
    </div>
  );
  return (
    <Panel title="Members" onClose={onClose} footer={footer}>
      {status === 'loading' && <Skeleton lines={4} label="Loading members" />}
      <ul>
        {members.map((member) => (
          <li key={member.userId} className="list-item">
            <Avatar name={member.username} status={presence.get(member.userId)?.status ?? 'offline'} />
            <span className="grow">
              <span className="truncate">{member.username}{member.userId === userId && <span className="muted"> (you)</span>}</span>
              {!mayPromote && member.role !== 'member' && <span className="muted small"> · {member.role}</span>}
            </span>
            {mayPromote && <Role member={member} onChange={(role) => void promote(member, role)} />}
            {member.userId !== userId && room.type !== 'direct' && (
              <button type="button" className="icon-button" aria-label={`Message ${member.username}`} title="Message" onClick={() => void write(member)}><MessageSquare size={17} aria-hidden="true" /></button>
            )}
            {member.userId !== userId && mayRemove && member.role !== 'owner' && (
              <button type="button" className="icon-button danger" aria-label={`Remove ${member.username}`} title="Remove from the room" onClick={() => void remove(member)}><UserMinus size={17} aria-hidden="true" /></button>
            )}
          </li>
        ))}
      </ul>
      {open === 'invite' && <InvitePeople room={room} members={byId} onClose={() => setOpen(undefined)} />}
      {open === 'leave' && <Confirm title={`Leave ${room.name}?`} text={room.type === 'public' ? 'You can join again.' : 'Somebody has to invite you to come back.'} action="Leave" onConfirm={() => void leave()} onClose={() => setOpen(undefined)} />}
    </Panel>
  );
}

const roles = ['owner', 'moderator', 'member'] as const;

function Role({ member, onChange }: { member: Member; onChange: (role: Member['role']) => void }) {
  return (
    <select className="select" aria-label={`Role of ${member.username}`} value={member.role} onChange={(event) => onChange(event.target.value as Member['role'])}>
      {roles.map((role) => <option key={role}>{role}</option>)}
    </select>
  );
}
