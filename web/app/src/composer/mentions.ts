export interface Person {
  userId: string;
  username: string;
}

/** The beginning of a name that is being typed behind an @, and where it starts. */
export function nameBeingTyped(text: string, caret: number): { start: number; prefix: string } | undefined {
  const match = /(?:^|[\s(])@([\p{L}\p{N}_.-]*)$/u.exec(text.slice(0, caret));
  if (!match) return undefined;
  const prefix = match[1] ?? '';
  return { start: caret - prefix.length, prefix };
}

export function matching(people: readonly Person[], prefix: string, limit = 6): Person[] {
  const wanted = prefix.toLowerCase();
  return people.filter((person) => person.username.toLowerCase().startsWith(wanted)).slice(0, limit);
}

/** Who is mentioned in a text: the ids, each once, as many as the server takes. */
export function mentionedIn(text: string, people: readonly Person[]): string[] {
  const names = new Set(Array.from(text.matchAll(/@([\p{L}\p{N}_.-]+)/gu), (match) => match[1]));
  const dotted = (name: string) => names.has(name) || names.has(`${name}.`); // "ask @bob."
  return people.filter((person) => dotted(person.username)).map((person) => person.userId).slice(0, 50);
}
