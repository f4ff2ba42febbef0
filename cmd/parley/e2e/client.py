"""The official Python client against a node: python3 client.py URL

Prints a TAP stream. Handlers take one argument, as applications write them: the client fails when
an event comes with more. It closes a connection whose poll response holds more than 16 packets.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import queue
import sys
import threading
import time
import traceback
import uuid

import requests
import socketio

URL = sys.argv[1]
SECRET = os.environ["JWT_SECRET"].encode()
PATIENCE = 15  # seconds that anything may take on a busy machine
BURST = 60


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token_of(user):
    claims = {"userId": user, "username": user, "exp": int(time.time()) + 3600}
    signed = encode(b'{"alg":"HS256","typ":"JWT"}') + b"." + encode(json.dumps(claims).encode())
    return (signed + b"." + encode(hmac.new(SECRET, signed, hashlib.sha256).digest())).decode()


class Peer:
    """A user's client, which writes down what it hears."""

    def __init__(self, name):
        self.user = f"{name}-{uuid.uuid4()}"
        self.token = token_of(self.user)
        self.heard = []
        self.sessions = []
        self.changed = threading.Condition()

    def connect(self, transports, **auth):
        sessions = len(self.sessions)
        client = self.client = self.listening = socketio.Client(reconnection=False)
        self.client.on("session", self.take_session)
        # A client that was told to disconnect by polling still hands on what its last request brings.
        self.client.on("new-message", lambda message: self.take(message) if self.listening is client else None)
        self.client.connect(URL, auth={"token": self.token, **auth}, transports=transports, wait_timeout=PATIENCE)
        self.wait("session", lambda: len(self.sessions) > sessions)
        return self

    def close(self):
        self.listening = None
        self.client.disconnect()

    def take_session(self, data):
        with self.changed:
            self.sessions.append(data)
            self.changed.notify_all()

    def take(self, message):
        # The client runs each handler on a thread of its own: they are not done in the order in which events came.
        with self.changed:
            self.heard.append(message)
            self.heard.sort(key=lambda m: int(m["position"]))
            self.changed.notify_all()

    def wait(self, what, true):
        with self.changed:
            if not self.changed.wait_for(true, PATIENCE):
                raise AssertionError(f"no {what}; connected: {self.client.connected}, heard {len(self.heard)}")

    def wait_for(self, count):
        self.wait(f"{count} messages", lambda: len(self.heard) >= count)
        return self.heard[:count]

    def ok(self, event, payload):
        ack = self.client.call(event, payload, timeout=PATIENCE)
        assert ack["success"], (event, ack)
        return ack["data"]


def equal(got, want):
    assert got == want, f"got {got!r:.2000}\nwant {want!r:.2000}"


def rest(token, method, path, body=None, position=None):
    headers = {"authorization": f"Bearer {token}"}
    if position:
        headers["parley-min-position"] = position
    answer = requests.request(method, f"{URL}/api/v1{path}", json=body, headers=headers, timeout=PATIENCE)
    assert answer.status_code < 300, (path, answer.status_code, answer.text)
    return answer.json()


def room_of(owner, *others):
    for peer in (owner, *others):
        rest(peer.token, "GET", "/users/me")  # registers them
    members = [peer.user for peer in others]
    return rest(owner.token, "POST", "/rooms", {"name": "python", "type": "private", "memberIds": members})["id"]


def burst(speaker, room, count=BURST):
    """Sends without waiting for answers, so that pushes pile up; returns the contents."""
    contents = [f"{speaker.user} {i}" for i in range(count)]
    for content in contents:
        speaker.client.emit("send-message", {"roomId": room, "content": content})
    return contents


def contents_of(messages):
    return [m["content"] for m in messages]


def talk_by(transports, ends_with):
    alice, bob = Peer("alice"), Peer("bob")
    room = room_of(alice, bob)
    for peer in (alice, bob):
        peer.connect(transports)
        peer.ok("join-room", {"roomId": room})
    said = [peer.ok("send-message", {"roomId": room, "content": "Hello, Ünïcödé \U0001f44b"}) for peer in (alice, bob) * 5]
    for peer in (alice, bob):
        equal(peer.wait_for(10), said)
        equal(peer.client.transport(), ends_with)
    equal(rest(bob.token, "GET", f"/rooms/{room}/messages", position=said[-1]["position"])["items"], said)
    alice.close()
    bob.close()


def talks_by_polling():
    talk_by(["polling"], "polling")


def talks_by_websocket():
    talk_by(["websocket"], "websocket")


def talks_across_an_upgrade():
    talk_by(["polling", "websocket"], "websocket")


def hears_a_burst_by_polling():
    alice, bob = Peer("alice"), Peer("bob")
    room = room_of(alice, bob)
    alice.connect(["websocket"])
    bob.connect(["polling"])
    bob.ok("join-room", {"roomId": room})
    for rounds in range(1, 4):
        contents = burst(alice, room)
        equal(contents_of(bob.wait_for(BURST * rounds)[-BURST:]), contents)
    equal([m["seq"] for m in bob.heard], list(range(1, 3 * BURST + 1)))
    bob.ok("send-message", {"roomId": room, "content": "still here"})
    alice.close()
    bob.close()


def comes_back_with_an_offset():
    alice, bob = Peer("alice"), Peer("bob")
    room = room_of(alice, bob)
    alice.connect(["websocket"])
    bob.connect(["polling"])
    bob.ok("join-room", {"roomId": room})
    for rounds, transports in enumerate((["polling"], ["websocket"], ["polling", "websocket"]), 1):
        heard = len(bob.heard)
        offset = alice.ok("send-message", {"roomId": room, "content": "before"})["position"]
        bob.wait_for(heard + 1)
        bob.close()
        contents = burst(alice, room)
        alice.ok("send-message", {"roomId": room, "content": "missed, too"})
        bob.connect(transports, offset=offset)
        alice.ok("send-message", {"roomId": room, "content": "live"})
        equal(contents_of(bob.wait_for(heard + BURST + 3)[heard:]), ["before", *contents, "missed, too", "live"])
        equal([m["seq"] for m in bob.heard], list(range(1, rounds * (BURST + 3) + 1)))
    alice.close()
    bob.close()


async def talk_with_asyncio():
    alice = Peer("alice")
    room = room_of(alice)
    for transport in ("polling", "websocket"):
        heard, all_heard = [], asyncio.Event()
        client = socketio.AsyncClient(reconnection=False)

        async def take(message):
            heard.append(message)
            if len(heard) == BURST:
                all_heard.set()

        client.on("new-message", take)
        await client.connect(URL, auth={"token": alice.token}, transports=[transport])
        joined = await client.call("join-room", {"roomId": room}, timeout=PATIENCE)
        assert joined["success"], joined
        acks = await asyncio.gather(*(
            client.call("send-message", {"roomId": room, "content": f"{transport} {i}"}, timeout=PATIENCE) for i in range(BURST)))
        await asyncio.wait_for(all_heard.wait(), PATIENCE)
        equal([m["content"] for m in heard], [f"{transport} {i}" for i in range(BURST)])
        equal([ack["data"] for ack in acks], heard)
        await client.disconnect()


def talks_with_asyncio():
    asyncio.run(talk_with_asyncio())


def is_refused_without_a_token():
    client = socketio.Client(reconnection=False)
    refusals = queue.Queue()
    client.on("connect_error", refusals.put)
    client.on("connect", lambda: refusals.put("it was let in"))
    client.connect(URL, auth={}, transports=["websocket"], wait=False)  # it would wait to the end, also when it is refused
    refused = refusals.get(timeout=PATIENCE)
    equal((refused["message"], refused["data"]["code"]), ("Authentication required", "UNAUTHENTICATED"))
    client.disconnect()


TESTS = [
    talks_by_polling,
    talks_by_websocket,
    talks_across_an_upgrade,
    hears_a_burst_by_polling,
    comes_back_with_an_offset,
    talks_with_asyncio,
    is_refused_without_a_token,
]


def main():
    failed = 0
    for number, test in enumerate(TESTS, 1):
        name = test.__name__.replace("_", " ")
        try:
            test()
            print(f"ok {number} - {name}")
        except Exception:  # whatever it was, the other tests run
            failed += 1
            print(f"not ok {number} - {name}")
            for line in traceback.format_exc().splitlines():
                print(f"  {line}")
    print(f"1..{len(TESTS)}")
    sys.stdout.flush()
    os._exit(1 if failed else 0)  # a client that failed may have left threads behind


if __name__ == "__main__":
    main()
