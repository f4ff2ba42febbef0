import type { RoomView } from '@parley/client';
import { useClient } from '@parley/react';
import { useState, type FormEvent } from 'react';
import { Confirm, Dialog } from '../ui/Dialog';
import { useNotices } from '../ui/Notices';
import { useAttempt } from '../ui/useAttempt';
import { RoomFields } from './RoomFields';

interface Props {
  room: RoomView;
  mayArchive: boolean;
  onClose: () => void;
}

/** Renames a room, says what it is about, or archives it. */
export function RoomSettings({ room, mayArchive, onClose }: Props) {
  const client = useClient();
  const { fail } = useNotices();
  const [before] = useState(room);
  const [name, setName] = useState(room.name);
  const [topic, setTopic] = useState(room.topic);
  const [archiving, setArchiving] = useState(false);
  const { busy, error, attempt } = useAttempt();
  const save = (event: FormEvent) => {
    event.preventDefault();
    // Only what was changed here: somebody else may have changed the other meanwhile.
    const changes = { ...(name.trim() !== before.name && { name: name.trim() }), ...(topic.trim() !== before.topic && { topic: topic.trim() }) };
    attempt(async () => {
      if (Object.keys(changes).length > 0) await client.command('update-room', { roomId: room.id, ...changes });
      onClose();
    });
  };
  const archive = () => void client.command('archive-room', { roomId: room.id }).catch(fail);
  if (archiving) return <Confirm title={`Archive ${room.name}?`} text="It can still be read, but nobody can say anything in it any more. This cannot be undone." action="Archive" onConfirm={archive} onClose={onClose} />;
  return (
    <Dialog title="Room settings" onClose={onClose}>
      <form className="stack" onSubmit={save}>
        <RoomFields name={name} topic={topic} onName={setName} onTopic={setTopic} />
        {error && <p className="alert" role="alert">{error}</p>}
        <div className="row">
          {mayArchive && <button type="button" className="button danger" onClick={() => setArchiving(true)}>Archive room</button>}
          <span className="grow" />
          <button type="submit" className="button primary" disabled={name.trim() === ''} aria-disabled={busy}>Save</button>
        </div>
      </form>
    </Dialog>
  );
}
