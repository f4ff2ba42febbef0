import type { RoomView } from '@parley/client';
import { useMembers } from '@parley/react';
import { useRef, useState } from 'react';
import { RoomSettings } from '../rooms/RoomSettings';
import { ArrowLeft, History, Pin, Search, Settings, Users } from '../ui/icons';
import { navigate } from '../ui/router';
import { useFallbackFocus } from '../ui/useFallbackFocus';
import { DirectStatus } from './DirectStatus';
import { mayLead, mayModerate } from './scope';

export type Tool = 'search' | 'pins' | 'members' | 'travel';

interface Props {
  room: RoomView;
  userId: string;
  title: string;
  /** Whom a direct room is with. */
  other: string | undefined;
  open: Tool | undefined;
  pane: string | undefined;
  onToggle: (tool: Tool) => void;
}

const tools = [
  { tool: 'search', label: 'Search', icon: Search },
  { tool: 'pins', label: 'Pinned messages', icon: Pin },
  { tool: 'members', label: 'Members', icon: Users },
  { tool: 'travel', label: 'Time travel', icon: History },
] as const;

export function RoomHeader({ room, userId, title, other, open, pane, onToggle }: Props) {
  const oneself = useMembers(room.id).byId.get(userId);
  const [settings, setSettings] = useState(false);
  const mayChange = room.type !== 'direct' && room.archivedAt === null && mayModerate(oneself);
  const heading = useRef<HTMLHeadingElement>(null);
  useFallbackFocus(heading, mayChange);
  return (
    <header>
      <button type="button" className="icon-button back" aria-label="Back to rooms" onClick={() => navigate('/')}>
        <ArrowLeft size={20} aria-hidden="true" />
      </button>
      <div className="grow">
        <h2 ref={heading} className="truncate" tabIndex={-1}>{title}</h2>
        {other && <DirectStatus userId={other} />}
        {room.topic && <p className="muted small truncate topic">{room.topic}</p>}
      </div>
      {tools.map(({ tool, label, icon: Icon }) => (
        <button key={tool} type="button" className="icon-button" aria-label={label} title={label} aria-expanded={open === tool || pane === tool} onClick={() => onToggle(tool)}>
          <Icon size={19} aria-hidden="true" />
        </button>
      ))}
      {mayChange && (
        <button type="button" className="icon-button" aria-label="Room settings" title="Room settings" aria-haspopup="dialog" onClick={() => setSettings(true)}>
          <Settings size={19} aria-hidden="true" />
        </button>
      )}
      {mayChange && settings && <RoomSettings room={room} mayArchive={mayLead(oneself)} onClose={() => setSettings(false)} />}
    </header>
  );
}
