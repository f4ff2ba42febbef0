import { useTyping } from '@parley/react';

export function TypingLine({ roomId }: { roomId: string }) {
  const { typists } = useTyping(roomId);
  return (
    <p className="typing" aria-live="off">
      {typists.length > 0 && (
        <>
          <span className="dots" aria-hidden="true"><i /><i /><i /></span>
          {line(typists.map((typist) => typist.username))}
        </>
      )}
    </p>
  );
}

function line(names: readonly string[]): string {
  const [first, second] = names;
  if (names.length === 1) return `${first} is typing…`;
  if (names.length === 2) return `${first} and ${second} are typing…`;
  return `${names.length} people are typing…`;
}
