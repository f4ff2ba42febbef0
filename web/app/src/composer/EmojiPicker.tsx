import { useRef, useState, type CSSProperties, type RefObject } from 'react';
import { createPortal } from 'react-dom';
import { roving } from '../ui/roving';
import { useDismiss } from '../ui/useDismiss';
import { useReturnFocus } from '../ui/useReturnFocus';
import { emojis } from './emoji';

interface Props {
  /** What it is shown next to, in a list that would cut it off; else its place is the style sheet's. */
  anchor?: RefObject<HTMLElement | null>;
  onPick: (emoji: string) => void;
  onClose: () => void;
}

const moveAmong = roving('button');

export default function EmojiPicker({ anchor, onPick, onClose }: Props) {
  const picker = useRef<HTMLDivElement>(null);
  const [search, setSearch] = useState('');
  useDismiss(picker, true, onClose);
  useReturnFocus(picker);
  const wanted = search.trim().toLowerCase();
  const found = emojis.filter(([, name]) => name.includes(wanted));
  const content = (
    <div ref={picker} className="popover emoji rise" role="dialog" aria-label="Emoji" style={anchor && placeBeside(anchor.current)} onKeyDown={(event) => event.stopPropagation()}>
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
  return anchor ? createPortal(content, document.body) : content;
}

const width = 336;
const height = 300;
const gap = 4;

/** Below the element, or above where there is no place, and never beyond the window. */
function placeBeside(element: HTMLElement | null): CSSProperties {
  const box = element?.getBoundingClientRect() ?? new DOMRect();
  const below = box.bottom + gap + height <= innerHeight;
  return {
    position: 'fixed',
    left: Math.max(gap, Math.min(box.right - width, innerWidth - width - gap)),
    top: Math.max(gap, below ? box.bottom + gap : box.top - gap - height),
  };
}
