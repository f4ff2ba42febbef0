import type { CSSProperties } from 'react';

export type Status = 'online' | 'away' | 'busy' | 'invisible' | 'offline';

interface Props {
  name: string;
  status?: Status | undefined;
  small?: boolean;
}

/** The initials of a name on a colour of its own. Pictures would come from other hosts, and so would trackers. */
export function Avatar({ name, status, small = false }: Props) {
  return (
    <span className={small ? 'avatar small' : 'avatar'} style={{ '--hue': hueOf(name) } as CSSProperties}>
      <span aria-hidden="true">{initialsOf(name)}</span>
      {status && <PresenceDot status={status} />}
    </span>
  );
}

export function PresenceDot({ status }: { status: Status }) {
  return <span role="img" aria-label={status} title={status} className={`presence ${status}`} />;
}

function initialsOf(name: string): string {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters.map((word) => [...(word ?? '?')][0]).join('').toUpperCase();
}

function hueOf(name: string): number {
  let hash = 7;
  for (const letter of name) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  return hash;
}
