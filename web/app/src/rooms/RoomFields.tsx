interface Props {
  name: string;
  topic: string;
  onName: (name: string) => void;
  onTopic: (topic: string) => void;
}

/** What a room is called, and what it is about. */
export function RoomFields({ name, topic, onName, onTopic }: Props) {
  return (
    <>
      <div className="field">
        <label htmlFor="room-name">Name</label>
        <input id="room-name" className="input" required maxLength={100} value={name} onChange={(event) => onName(event.target.value)} />
      </div>
      <div className="field">
        <label htmlFor="room-topic">Topic</label>
        <input id="room-topic" className="input" placeholder="What it is about (optional)" maxLength={500} value={topic} onChange={(event) => onTopic(event.target.value)} />
      </div>
    </>
  );
}
