import type { RoomView } from '@parley/client';
import { useClient } from '@parley/react';
import { useState, type FormEvent } from 'react';
import { Confirm, Dialog } from '../ui/Dialog';
import { messageOf } from '../ui/errors';
import { useNotices } from '../ui/Notices';
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
  const [name, setName] = useState(room.name);
  const [topic, setTopic] = useState(room.topic);
  const [archiving, setArchiving] = useState(false);
  const [error, setError] = useState<string>();
  const save = async (event: FormEvent) => {
    event.preventDefault();
    try {
      await client.command('update-room', { roomId: room.id, name: name.trim(), topic: topic.trim() });
      onClose();
    } catch (failure) {
      setError(messageOf(failure));
    }
  };
  const archive = () => void client.command('archive-room', { roomId: room.id }).catch(fail);
  if (archiving) return <Confirm title={`Archive ${room.name}?`} text="It can still be read, but nobody can say anything in it any more. This cannot be undone." action="Archive" onConfirm={archive} onClose={onClose} />;
  return (
    <Dialog title="Room settings" onClose={onClose}>
      <form className="stack" onSubmit={(event) => void save(event)}>
        <RoomFields name={name} topic={topic} onName={setName} onTopic={setTopic} />
        {error && <p className="alert" role="alert">{error}</p>}
        <div className="row">
          {mayArchive && <button type="button" className="button danger" onClick={() => setArchiving(true)}>Archive room</button>}
          <span className="grow" />
          <button type="submit" className="button primary" disabled={name.trim() === ''}>Save</button>
        </div>
      </form>
    </Dialog>
  );
}
