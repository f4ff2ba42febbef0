import { Avatar } from '../ui/Avatar';
import type { Person } from './mentions';

interface Props {
  id: string;
  people: readonly Person[];
  active: number;
  onPick: (person: Person) => void;
}

/** Who may be meant. The focus stays in the text; aria-activedescendant says which one is chosen. */
export function MentionList({ id, people, active, onPick }: Props) {
  return (
    <ul id={id} className="popover menu mentions" role="listbox" aria-label="Mention somebody">
      {people.map((person, index) => (
        <li
          key={person.userId}
          id={`${id}-${index}`}
          className="menu-item"
          role="option"
          aria-selected={index === active}
          onPointerDown={(event) => {
            event.preventDefault();
            onPick(person);
          }}
        >
          <Avatar name={person.username} small />
          {person.username}
        </li>
      ))}
    </ul>
  );
}
