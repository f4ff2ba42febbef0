import { X } from '../ui/icons';
import { useReturnFocus } from '../ui/useReturnFocus';
import { useEffect, useId, useRef, type KeyboardEvent, type ReactNode } from 'react';

interface Props {
  title: string;
  onClose: () => void;
  /** Below the scrolling body. */
  footer?: ReactNode;
  children: ReactNode;
}

/** The pane on the right. Escape closes it, and the focus goes back to where it came from. */
export function Panel({ title, onClose, footer, children }: Props) {
  const heading = useId();
  const panel = useRef<HTMLElement>(null);
  useReturnFocus(panel);
  useEffect(() => {
    if (!panel.current?.contains(document.activeElement)) panel.current?.focus();
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && !event.defaultPrevented) onClose();
  };
  return (
    <aside ref={panel} className="panel" aria-labelledby={heading} tabIndex={-1} onKeyDown={onKeyDown}>
      <header>
        <h2 id={heading}>{title}</h2>
        <button type="button" className="icon-button" aria-label="Close panel" onClick={onClose}>
          <X size={19} aria-hidden="true" />
        </button>
      </header>
      <div className="body">{children}</div>
      {footer}
    </aside>
  );
}
