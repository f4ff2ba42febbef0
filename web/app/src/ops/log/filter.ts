/** What is wanted of the log. All of it are texts as they are typed; empty ones do not count. */
export interface Filter {
  type: string;
  category: string;
  stream: string;
  from: string;
  to: string;
  since: string;
  until: string;
}

export const everything: Filter = { type: '', category: '', stream: '', from: '', to: '', since: '', until: '' };

export const categories = ['user', 'room', 'messages', 'receipts', 'presence'] as const;

export const types = [
  'UserRegistered', 'UserProfileChanged', 'UserDeactivated', 'UserReactivated', 'UserErased',
  'RoomCreated', 'RoomUpdated', 'RoomArchived',
  'MemberJoined', 'MemberLeft', 'MemberRemoved', 'MemberRoleChanged',
  'MessageSent', 'MessageEdited', 'MessageDeleted', 'ReactionAdded', 'ReactionRemoved', 'MessagePinned', 'MessageUnpinned',
  'MessagesRead', 'MessagesDelivered',
  'UserCameOnline', 'UserPresenceChanged', 'UserWentOffline',
] as const;

/** The parameters of GET /api/v1/events. */
export function parameters(filter: Filter, more: Record<string, string> = {}): URLSearchParams {
  const query = new URLSearchParams({ format: 'ndjson' });
  const put = (name: string, value: string) => value.trim() && query.set(name, value.trim());
  put('types', filter.type);
  put('categories', filter.category);
  put('streams', filter.stream);
  put('from', filter.from);
  put('to', filter.to);
  put('since', filter.since && new Date(filter.since).toISOString());
  put('until', filter.until && new Date(filter.until).toISOString());
  for (const [name, value] of Object.entries(more)) query.set(name, value);
  return query;
}
