import { useClient } from '@parley/react';
import { useState, type FormEvent } from 'react';
import { Dialog } from '../ui/Dialog';
import { navigate, roomPath } from '../ui/router';
import { useAttempt } from '../ui/useAttempt';
import { RoomFields } from './RoomFields';

const kinds = [
  { type: 'public', label: 'Public', text: 'Anybody may find it and join.' },
  { type: 'private', label: 'Private', text: 'People come by invitation.' },
] as const;

export function NewRoom({ onClose }: { onClose: () => void }) {
  const client = useClient();
  const [name, setName] = useState('');
  const [topic, setTopic] = useState('');
  const [type, setType] = useState<'public' | 'private'>('public');
  const { busy, error, attempt } = useAttempt();
  const create = (event: FormEvent) => {
    event.preventDefault();
    attempt(async () => {
      const room = await client.command('create-room', { name: name.trim(), topic: topic.trim(), type });
      onClose();
      navigate(roomPath(room.id));
    });
  };
  return (
    <Dialog title="New room" onClose={onClose}>
      <form className="stack" onSubmit={create}>
        <RoomFields name={name} topic={topic} onName={setName} onTopic={setTopic} />
        <fieldset className="choices">
          <legend className="sr-only">Who may come</legend>
          {kinds.map((kind) => (
            <label key={kind.type} className="choice">
              <input type="radio" name="type" aria-label={kind.label} checked={type === kind.type} onChange={() => setType(kind.type)} />
              <span><strong>{kind.label}</strong><br /><span className="muted small">{kind.text}</span></span>
            </label>
          ))}
        </fieldset>
        {error && <p className="alert" role="alert">{error}</p>}
        <div className="row end">
          <button type="submit" className="button primary" disabled={name.trim() === ''} aria-disabled={busy}>Create</button>
        </div>
      </form>
    </Dialog>
  );
}
