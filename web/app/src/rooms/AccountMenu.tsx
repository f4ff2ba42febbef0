import type { OwnUser } from '@parley/client';
import { useClient, usePresence, useSocket } from '@parley/react';
import { Activity, LogOut } from '../ui/icons';
import { Avatar, PresenceDot, type Status } from '../ui/Avatar';
import { Menu, MenuItem } from '../ui/Menu';
import { useNotices } from '../ui/Notices';
import { navigate } from '../ui/router';
import { setTheme, themes, useTheme } from '../ui/theme';

const statuses = [
  { status: 'online', label: 'Online' },
  { status: 'away', label: 'Away' },
  { status: 'busy', label: 'Busy' },
  { status: 'invisible', label: 'Invisible' },
] as const;

const themeNames = { system: 'System theme', light: 'Light theme', dark: 'Dark theme' } as const;

/** Who one is, how one is there, and how the page looks. */
export function AccountMenu({ user, onSignOut }: { user: OwnUser; onSignOut: () => void }) {
  const client = useClient();
  const { connected } = useSocket();
  const { fail } = useNotices();
  const theme = useTheme();
  const known = usePresence([user.id]).get(user.id)?.status;
  // That one has come is known here before the server has told everybody.
  const status: Status = !connected ? 'offline' : known === undefined || known === 'offline' ? 'online' : known;
  const name = user.displayName || user.username;
  return (
    <Menu
      label="Your account"
      className="account"
      button={
        <>
          <Avatar name={name} status={status} />
          <span className="grow truncate">{name}<br /><span className="muted small">{status}</span></span>
        </>
      }
    >
      {(close) => (
        <>
          {statuses.map(({ status: value, label }) => (
            <MenuItem key={value} icon={<PresenceDot status={value} />} checked={status === value} onChoose={() => { client.presence.set(value).catch(fail); close(); }}>{label}</MenuItem>
          ))}
          <hr />
          {themes.map((value) => <MenuItem key={value} checked={theme === value} onChoose={() => setTheme(value)}>{themeNames[value]}</MenuItem>)}
          <hr />
          {user.roles.includes('admin') && <MenuItem icon={<Activity size={17} aria-hidden="true" />} onChoose={() => navigate('/ops')}>Operations</MenuItem>}
          <MenuItem icon={<LogOut size={17} aria-hidden="true" />} onChoose={onSignOut}>Sign out</MenuItem>
        </>
      )}
    </Menu>
  );
}
