import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A network between one client and a node, which can be cut: connections break, and there are no new ones. */
export class Line {
  readonly url: string;
  readonly #sockets = new Set<Socket>();
  #broken = false;

  private constructor(private readonly server: Server, private readonly port: number) {
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket) => this.#carry(socket));
  }

  static async to(node: { port: number }): Promise<Line> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return new Line(server, node.port);
  }

  cut(): void {
    this.#broken = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#broken = false;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #carry(near: Socket): void {
    if (this.#broken) {
      near.destroy();
      return;
    }
    const far = connect(this.port, '127.0.0.1');
    for (const [one, other] of [[near, far], [far, near]] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}
