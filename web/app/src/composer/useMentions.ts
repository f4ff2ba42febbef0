import { useState, type KeyboardEvent } from 'react';
import { matching, nameBeingTyped, type Person } from './mentions';

/** Completes names behind an @ while they are typed. */
export function useMentions(text: string, caret: number, people: readonly Person[], replace: (from: number, to: number, by: string) => void) {
  const [active, setActive] = useState(0);
  const [dismissed, setDismissed] = useState(-1); // the @ for which the list was closed
  const typed = nameBeingTyped(text, caret);
  const found = typed && typed.start !== dismissed ? matching(people, typed.prefix) : [];
  const chosen = Math.min(active, found.length - 1);

  const pick = (person: Person) => {
    if (typed) replace(typed.start, caret, `${person.username} `);
    setActive(0);
  };

  /** Returns whether the key was for the list. */
  const onKey = (event: KeyboardEvent): boolean => {
    const person = found[chosen];
    if (!typed || !person) return false;
    switch (event.key) {
      case 'ArrowDown':
        setActive((chosen + 1) % found.length);
        return true;
      case 'ArrowUp':
        setActive((chosen - 1 + found.length) % found.length);
        return true;
      case 'Enter':
      case 'Tab':
        pick(person);
        return true;
      case 'Escape':
        setDismissed(typed.start);
        return true;
      default:
        return false;
    }
  };
  return { found, chosen, pick, onKey };
}
