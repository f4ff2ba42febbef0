import type { Member, RoomView } from '@parley/client';
import { useClient, useMembers, usePresence } from '@parley/react';
import { MessageSquare, UserMinus, UserPlus } from '../ui/icons';
import { useRef, useState } from 'react';
import { mayLead, mayModerate } from '../room/scope';
import { InvitePeople } from '../rooms/InvitePeople';
import { useRoomScope } from '../timeline/context';
import { Avatar } from '../ui/Avatar';
import { Confirm } from '../ui/Dialog';
import { Skeleton } from '../ui/Empty';
import { useNotices } from '../ui/Notices';
import { navigate, roomPath } from '../ui/router';
import { useFallbackFocus } from '../ui/useFallbackFocus';
import { Panel } from './Panel';

const watched = 100; // of a room's members; the server watches 200 for each socket

/** Who is in the room, who is there now, and who may come. */
export function MembersPanel({ room, onClose }: { room: RoomView; onClose: () => void }) {
  const { userId } = useRoomScope();
  const client = useClient();
  const { fail } = useNotices();
  const { members, byId, status } = useMembers(room.id);
  const presence = usePresence(members.slice(0, watched).map((member) => member.userId));
  const [asking, setAsking] = useState<Question>();
  const ended = () => setAsking(undefined);
  const [removed, setRemoved] = useState<string>();
  const list = useRef<HTMLUListElement>(null);
  useFallbackFocus(list, removed === undefined || byId.has(removed));
  const oneself = byId.get(userId);
  const changeable = room.type !== 'direct' && room.archivedAt === null;
  const mayInvite = changeable && mayModerate(oneself);
  const mayPromote = changeable && mayLead(oneself);
  const mayRemove = (member: Member) => member.userId !== userId && (member.role === 'member' ? mayInvite : mayPromote);

  const write = (member: Member) =>
    client.command('create-room', { type: 'direct', name: '', memberIds: [member.userId] }).then((direct) => navigate(roomPath(direct.id)), fail);
  const remove = (member: Member) => {
    setRemoved(member.userId);
    client.command('remove-member', { roomId: room.id, userId: member.userId }).catch(fail);
  };
  const promote = (member: Member, role: Member['role']) => void client.command('set-role', { roomId: room.id, userId: member.userId, role }).catch(fail);
  // Who gives up their own rights does not get them back by themselves.
  const choose = (member: Member, role: Member['role']) => (member.userId === userId ? setAsking({ about: 'role', role }) : promote(member, role));
  const leave = () => void client.command('leave-room', { roomId: room.id }).then(() => navigate('/'), fail);

  const footer = changeable && (
    <div className="panel-footer row">
      {mayInvite && <button type="button" className="button primary grow" onClick={() => setAsking({ about: 'invite' })}><UserPlus size={17} aria-hidden="true" />Invite</button>}
      <button type="button" className="button" onClick={() => setAsking({ about: 'leave' })}>Leave room</button>
    </div>
  );
  return (
    <Panel title="Members" onClose={onClose} footer={footer}>
      {status === 'loading' && <Skeleton lines={4} label="Loading members" />}
      <ul ref={list} tabIndex={-1} aria-label="Members">
        {members.map((member) => (
          <li key={member.userId} className="list-item">
            <Avatar name={member.username} status={presence.get(member.userId)?.status ?? 'offline'} />
            <span className="grow">
              <span className="truncate">{member.username}{member.userId === userId && <span className="muted"> (you)</span>}</span>
              {!mayPromote && member.role !== 'member' && <span className="muted small"> · {member.role}</span>}
            </span>
            {mayPromote && <Role member={member} onChange={(role) => choose(member, role)} />}
            {member.userId !== userId && room.type !== 'direct' && (
              <button type="button" className="icon-button" aria-label={`Message ${member.username}`} title="Message" onClick={() => void write(member)}><MessageSquare size={17} aria-hidden="true" /></button>
            )}
            {mayRemove(member) && (
              <button type="button" className="icon-button danger" aria-label={`Remove ${member.username}`} title="Remove from the room" onClick={() => setAsking({ about: 'remove', member })}><UserMinus size={17} aria-hidden="true" /></button>
            )}
          </li>
        ))}
      </ul>
      {asking?.about === 'invite' && <InvitePeople room={room} members={byId} onClose={ended} />}
      {asking?.about === 'leave' && <Confirm title={`Leave ${room.name}?`} text={room.type === 'public' ? 'You can join again.' : 'Somebody has to invite you to come back.'} action="Leave" onConfirm={leave} onClose={ended} />}
      {asking?.about === 'remove' && <Confirm title={`Remove ${asking.member.username}?`} text={room.type === 'public' ? 'They can join again.' : 'They can come back when somebody invites them.'} action="Remove" onConfirm={() => remove(asking.member)} onClose={ended} />}
      {asking?.about === 'role' && oneself && <Confirm title={`Become a ${asking.role}?`} text="Only an owner can make you one again." action={`Become a ${asking.role}`} onConfirm={() => promote(oneself, asking.role)} onClose={ended} />}
    </Panel>
  );
}

/** What is to be said before something is done. */
type Question = { about: 'invite' } | { about: 'leave' } | { about: 'remove'; member: Member } | { about: 'role'; role: Member['role'] };

const roles = ['owner', 'moderator', 'member'] as const;

function Role({ member, onChange }: { member: Member; onChange: (role: Member['role']) => void }) {
  return (
    <select className="select" aria-label={`Role of ${member.username}`} value={member.role} onChange={(event) => onChange(event.target.value as Member['role'])}>
      {roles.map((role) => <option key={role}>{role}</option>)}
    </select>
  );
}
