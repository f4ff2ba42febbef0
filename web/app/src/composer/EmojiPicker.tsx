import { useRef, useState } from 'react';
import { roving } from '../ui/roving';
import { useDismiss } from '../ui/useDismiss';
import { emojis } from './emoji';

interface Props {
  onPick: (emoji: string) => void;
  onClose: () => void;
}

const moveAmong = roving('button');

export default function EmojiPicker({ onPick, onClose }: Props) {
  const picker = useRef<HTMLDivElement>(null);
  const [search, setSearch] = useState('');
  useDismiss(picker, true, onClose);
  const wanted = search.trim().toLowerCase();
  const found = emojis.filter(([, name]) => name.includes(wanted));
  return (
    <div ref={picker} className="popover emoji rise" role="dialog" aria-label="Emoji">
      <input
        className="input"
        type="text"
        aria-label="Find emoji"
        placeholder="Find emoji"
        autoFocus
        value={search}
        onChange={(event) => setSearch(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          if (found[0]) onPick(found[0][0]);
        }}
      />
      <div className="grid" onKeyDown={moveAmong}>
        {found.map(([emoji, name], index) => (
          <button key={emoji} type="button" aria-label={name} title={name} tabIndex={index === 0 ? 0 : -1} onClick={() => onPick(emoji)}>
            {emoji}
          </button>
        ))}
      </div>
      {found.length === 0 && <p className="muted small">No emoji of that name.</p>}
    </div>
  );
}
