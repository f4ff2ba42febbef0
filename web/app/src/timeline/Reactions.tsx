import type { Message } from '@parley/client';
import { useRoomScope } from './context';

/** Who reacted, by emoji. Pressing one joins in, or takes it back. */
export function Reactions({ message }: { message: Message }) {
  const { userId, names, react, maySpeak } = useRoomScope();
  const reactions = Object.entries(message.reactions).filter(([, users]) => users.length > 0);
  if (reactions.length === 0) return null;
  return (
    <div className="reactions">
      {reactions.map(([emoji, users]) => (
        <button key={emoji} type="button" className="reaction" aria-pressed={users.includes(userId)} disabled={!maySpeak} title={users.map((id) => names.get(id) ?? 'somebody').join(', ')} onClick={() => react(message, emoji)}>
          <span>{emoji}</span> <span>{users.length}</span>
        </button>
      ))}
    </div>
  );
}
