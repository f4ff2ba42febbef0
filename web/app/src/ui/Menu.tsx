import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { roving } from './roving';
import { useDismiss } from './useDismiss';

interface Props {
  label: string;
  className: string;
  button: ReactNode;
  /** The items; close is called when one was chosen. */
  children: (close: () => void) => ReactNode;
}

const moveAmong = roving('[role^="menuitem"]');

/** A button that opens a menu: arrow keys move, Escape closes and gives the focus back. */
export function Menu({ label, className, button, children }: Props) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const trigger = useRef<HTMLButtonElement>(null);
  const id = useId();
  const close = useRef(() => {
    setOpen(false);
    trigger.current?.focus();
  }).current;
  useDismiss(root, open, close);
  useEffect(() => {
    if (open) root.current?.querySelector<HTMLElement>('[role^="menuitem"]')?.focus();
  }, [open]);
  return (
    <div ref={root}>
      {open && (
        <div id={id} className="popover menu rise" role="menu" aria-label={label} onKeyDown={moveAmong}>
          {children(close)}
        </div>
      )}
      <button ref={trigger} type="button" className={className} aria-haspopup="menu" aria-expanded={open} aria-controls={open ? id : undefined} onClick={() => setOpen(!open)}>
        {button}
        <span className="sr-only">{label}</span>
      </button>
    </div>
  );
}

interface ItemProps {
  icon?: ReactNode;
  /** For one of several: whether it is chosen. */
  checked?: boolean;
  onChoose: () => void;
  children: ReactNode;
}

export function MenuItem({ icon, checked, onChoose, children }: ItemProps) {
  const choice = checked === undefined ? { role: 'menuitem' } : { role: 'menuitemradio', 'aria-checked': checked };
  return (
    <button type="button" className="menu-item" tabIndex={-1} {...choice} onClick={onChoose}>
      {icon}
      <span className="grow">{children}</span>
      {checked && <span aria-hidden="true">✓</span>}
    </button>
  );
}
