import type { Node, Person } from '@parley/testing';
import { io, type Socket } from 'socket.io-client';

const batch = 100; // what one batch-update may hold
const inFlight = 8;

interface Ack {
  success: boolean;
  error?: string;
}

/** Somebody who talks a lot, by the official client. */
export class Talker {
  private constructor(private readonly socket: Socket) {}

  /** Connects. Who does not listen hears of no room. */
  static async connect(node: Node, person: Person, { listens = false } = {}): Promise<Talker> {
    const auth = { token: person.login.accessToken, ...(!listens && { rooms: [] }) };
    const socket = io(node.url, { transports: ['websocket'], auth });
    await new Promise<void>((resolve, reject) => {
      socket.on('connect', resolve);
      socket.on('connect_error', reject);
    });
    return new Talker(socket);
  }

  /** Puts that many messages into the room, as fast as the node takes them. */
  async fill(roomId: string, count: number): Promise<void> {
    let next = 0;
    const worker = async () => {
      while (next < count) {
        const from = next;
        next += batch;
        const size = Math.min(batch, count - from);
        const sends = Array.from({ length: size }, (_, n) => ({ event: 'send-message', data: { roomId, content: sentence(from + n) } }));
        check(await this.socket.emitWithAck('batch-update', sends));
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
  }

  /** Says something so many times a second, until told to stop. Returns how to. */
  talk(roomId: string, perSecond: number): () => Promise<number> {
    const started = performance.now();
    const answers: Promise<void>[] = [];
    let said = 0;
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - started) / 1000) * perSecond);
      for (; said < due; said++) {
        const sent = this.socket.emitWithAck('send-message', { roomId, content: sentence(said) });
        answers[said % 1000] = sent.then(check);
      }
    }, 20);
    return async () => {
      clearInterval(timer);
      await Promise.all(answers);
      return said;
    };
  }

  close(): void {
    this.socket.close();
  }
}

function check(ack: Ack | Ack[]): void {
  const failed = Array.isArray(ack) ? ack.find(({ success }) => !success) : ack.success ? undefined : ack;
  if (failed) throw new Error(`refused: ${failed.error}`);
}

const words = 'the log keeps every word in order so that who comes back later reads what was said before and who was there'.split(' ');

/** Messages as people write them: most are short, some are long, a few have Markdown. */
function sentence(n: number): string {
  const length = n % 13 === 0 ? 60 : 3 + (n % 11);
  const text = Array.from({ length }, (_, at) => words[(n * 7 + at * 3) % words.length]).join(' ');
  return n % 17 === 0 ? `${n}: **${text}** with \`code\` and a [link](https://example.com/${n})` : `${n}: ${text}`;
}
