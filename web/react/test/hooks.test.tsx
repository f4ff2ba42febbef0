import { createClient, staticTokens, type Client, type Store } from '@parley/client';
import { Deployment, type Node, type Person } from '@parley/testing';
import { cleanup, render, screen, waitFor } from '@testing-library/react';
import { StrictMode } from 'react';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Chat } from '../example/chat.tsx';
import { ParleyProvider, useEvent, useMembers, useOutbox, usePresence, useReceipts, useRooms, useSocket, useThread, useTimeline, useTyping } from '../src/index.ts';

const patience = { timeout: 30_000 };

let deployment: Deployment;
let node: Node;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  deployment = await Deployment.start();
  node = await deployment.node({ FRONTEND_URL: location.origin });
  [alice, bob] = await Promise.all([deployment.register(node, 'alice'), deployment.register(node, 'bob')]);
});
afterEach(cleanup);
afterAll(() => deployment.close());

function clientOf(person: Person): Client {
  return createClient({ url: node.url, tokens: staticTokens(person.login.accessToken), userId: person.id });
}

/** Counts who listens to a store, or to the events. */
function listeners(client: Client, ...stores: Store<unknown>[]): () => number {
  let count = 0;
  const counting = (add: () => () => void) => {
    count++;
    const remove = add();
    return () => {
      count--;
      remove();
    };
  };
  for (const store of stores) {
    const subscribe = store.subscribe;
    store.subscribe = (listener) => counting(() => subscribe(listener));
  }
  const on = client.on.bind(client);
  client.on = (event, listener) => counting(() => on(event, listener));
  return () => count;
}

function Everything({ roomId, messageId, others }: { roomId: string; messageId: string; others: string[] }) {
  const { status } = useSocket();
  const { rooms } = useRooms();
  const { items } = useTimeline(roomId);
  const { replies } = useThread(roomId, messageId);
  const { members } = useMembers(roomId);
  const { typists } = useTyping(roomId);
  const presence = usePresence(others);
  const { byUser } = useReceipts(roomId);
  const { messages } = useOutbox();
  useEvent('new-message', () => undefined);
  return <p>{[status, rooms.length, items.length, replies.length, members.length, typists.length, presence.size, byUser.size, messages.length].join(' ')}</p>;
}

describe('the hooks', () => {
  it('leave no listener behind under StrictMode, when what they look at changes, and when they go', async () => {
    const first = await alice.createRoom('first', { members: [bob] });
    const second = await alice.createRoom('second', { members: [bob] });
    const messages = [await alice.say(first, 'one'), await alice.say(second, 'two')];
    const client = clientOf(alice);
    const stores = [first, second].flatMap((room, index) => [client.timeline(room), client.members(room), client.typing(room), client.receipts(room), client.thread(room, messages[index]?.id ?? '')]);
    const count = listeners(client, client.connection, client.rooms, client.outbox, client.presence, ...stores);
    client.start();
    const view = (room: string, index: number, others: string[]) => (
      <StrictMode>
        <ParleyProvider client={client}><Everything roomId={room} messageId={messages[index]?.id ?? ''} others={others} /></ParleyProvider>
      </StrictMode>
    );

    const { rerender, unmount } = render(view(first, 0, [bob.id]));
    await screen.findByText(/^online \d+ 1 0 2 0 \d \d 0$/, undefined, patience);
    const used = count();
    expect(used).toBeGreaterThanOrEqual(10);

    for (let round = 0; round < 3; round++) {
      rerender(view(second, 1, [alice.id, bob.id]));
      rerender(view(first, 0, [bob.id]));
    }
    await screen.findByText(/^online \d+ 1 0 2 0/, undefined, patience);
    expect(count()).toBe(used);

    unmount();
    expect(count()).toBe(0);
    client.close();
  });

  it('need a client above', () => {
    const silence = (event: ErrorEvent) => event.preventDefault();
    addEventListener('error', silence);
    const error = console.error;
    console.error = () => undefined; // React tells of what is thrown here on purpose
    try {
      expect(() => render(<Everything roomId="r" messageId="m" others={[]} />)).toThrow(/no client/);
    } finally {
      console.error = error;
      removeEventListener('error', silence);
    }
  });
});

describe('the chat of the README', () => {
  it('shows what others say, and says what is typed', async () => {
    const room = await alice.createRoom('example', { members: [bob] });
    await bob.say(room, 'said before');
    render(<StrictMode><Chat url={node.url} token={alice.login.accessToken} /></StrictMode>);
    await screen.findByText(/: said before$/, undefined, patience);
    await waitFor(() => expect(screen.getByRole('status').textContent).toBe('online'), patience);

    await bob.say(room, 'said now');
    await screen.findByText(/: said now$/, undefined, patience);

    const input = screen.getByRole<HTMLInputElement>('textbox', { name: 'Message' });
    input.value = 'my answer';
    input.form?.requestSubmit();
    await screen.findByText(new RegExp(`^${alice.username}: my answer$`), undefined, patience);
    expect((await bob.newest(room)).content).toBe('my answer');
  });
});
