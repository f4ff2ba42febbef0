import type { Message } from '@parley/client';
import { useEffect, useRef, useState, type FormEvent, type KeyboardEvent } from 'react';
import { messageOf } from '../ui/errors';
import { useReturnFocus } from '../ui/useReturnFocus';
import { useRoomScope } from './context';

/** A message that is being changed: Enter saves, Escape leaves it as it was. */
export function EditBox({ message }: { message: Message }) {
  const { edit, save } = useRoomScope();
  const [text, setText] = useState(message.content);
  const [error, setError] = useState<string>();
  const area = useRef<HTMLTextAreaElement>(null);
  useReturnFocus(area);
  useEffect(() => {
    area.current?.setSelectionRange(message.content.length, message.content.length);
  }, [message.content]);
  const done = async (event?: FormEvent) => {
    event?.preventDefault();
    if (text.trim() === '') return setError('An empty message says nothing: delete it instead.');
    try {
      if (text.trim() !== message.content) await save(message, text.trim());
      edit(undefined);
    } catch (failure) {
      setError(messageOf(failure));
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    event.stopPropagation(); // the arrows move the caret, not the focus among messages
    if (event.key === 'Escape') edit(undefined);
    if (event.key !== 'Enter' || event.shiftKey) return;
    event.preventDefault();
    void done();
  };
  return (
    <form className="edit" onSubmit={(event) => void done(event)}>
      <textarea ref={area} className="input" aria-label="Edit message" autoFocus rows={Math.min(8, text.split('\n').length)} value={text} onChange={(event) => setText(event.target.value)} onKeyDown={onKeyDown} />
      {error && <p className="alert" role="alert">{error}</p>}
      <div className="row">
        <button type="submit" className="button primary small">Save</button>
        <button type="button" className="button small" onClick={() => edit(undefined)}>Cancel</button>
        <span className="note">Enter saves, Esc cancels</span>
      </div>
    </form>
  );
}
