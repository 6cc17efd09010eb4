"""The server under more than it can do, for as long as one wants, and with many clients that trickle.

Called by check_server.py.
"""

import asyncio
import json
import pathlib
import resource
import time

from check_server_life import asked, kept, mixed_requests
from server_running import PICTURE, Server

# Of a client that asks more than can be answered: several times as many as may wait in the server, and fewer than it takes.
MOST_CONNECTIONS = 500


class Client:
    """Connections to a server, kept and used again, each for a request at a time."""

    def __init__(self, server):
        self.server, self.free, self.found = server, [], []

    def message(self, path, body):
        data = json.dumps(body).encode()
        return f"POST {path} HTTP/1.1\r\nHost: {self.server.host}:{self.server.port}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data

    async def open(self):
        return await asyncio.open_connection(self.server.host, self.server.port)

    async def ask(self, message):
        """Status and text."""
        # The server closes those on which nothing was asked for a while.
        while self.free and self.free[-1][0].at_eof():
            self.free.pop()[1].close()
        reader, writer = self.free.pop() if self.free else await self.open()
        writer.write(message)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        text = await reader.readexactly(length)
        if "connection: close" in head:
            writer.close()
        else:
            self.free.append((reader, writer))
        return int(head.split()[1]), text.decode()

    async def timed(self, index, message):
        """Notes the index, the status (0: the connection broke), the text and the seconds."""
        start = time.monotonic()
        try:
            status, text = await self.ask(message)
        except (OSError, asyncio.IncompleteReadError) as error:
            status, text = 0, f"{error}"
        self.found.append((index, status, text, time.monotonic() - start))

    async def in_turn(self, messages, seconds, clients):
        """So many clients, each asking when it has been answered; returns requests a second."""
        count, end = 0, time.monotonic() + seconds

        async def one():
            nonlocal count
            while time.monotonic() < end:
                index = count % len(messages)
                count += 1
                await self.timed(index, messages[index])

        start, before = time.monotonic(), len(self.found)
        await asyncio.gather(*[one() for _ in range(clients)])
        return (len(self.found) - before) / (time.monotonic() - start)

    async def at_rate(self, messages, seconds, rate):
        """Asks so many times a second, whether it is answered or not, as long as there are connections for that."""
        start, count, running = time.monotonic(), 0, set()
        while (now := time.monotonic() - start) < seconds:
            while count < now * rate:
                # A client has so many connections at most; while all wait, nothing more is asked.
                if len(running) >= MOST_CONNECTIONS:
                    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    continue
                index = count % len(messages)
                task = asyncio.create_task(self.timed(index, messages[index]))
                running.add(task)
                task.add_done_callback(running.discard)
                count += 1
            await asyncio.sleep(0.002)
        await asyncio.gather(*running)

    async def trickling(self, message, count, stop):
        """So many connections, on each of which a byte comes every second: of heads and of bodies. Whoever is cut off comes again."""
        end = message.index(b"\r\n\r\n") + 4

        async def one(number):
            while not stop.is_set():
                begun, rest = (message[:1], message[1:end]) if number % 2 else (message[:end + 1], message[end + 1:])
                try:
                    reader, writer = await self.open()
                    writer.write(begun)
                    for byte in rest:
                        await asyncio.sleep(1)
                        writer.write(bytes([byte]))
                        await writer.drain()
                        if stop.is_set() or reader.at_eof():
                            break
                    writer.close()
                except OSError:
                    await asyncio.sleep(0.1)

        await asyncio.gather(*[one(number) for number in range(count)])


def latencies(found):
    """p50, p95 and p99 of those that were answered, in milliseconds, as a text."""
    times = sorted(1000 * item[3] for item in found if item[1] == 200)
    at = lambda share: times[min(len(times) - 1, int(share * len(times)))]
    return f"p50 {at(.5):.0f} ms, p95 {at(.95):.0f} ms, p99 {at(.99):.0f} ms"


def memory(process):
    """What a process holds now, in MB."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1000


async def watched(server, stop, into):
    while not stop.is_set():
        into.append(memory(server.process))
        await asyncio.sleep(0.25)


def check_answers(checks, found, alone, statuses, what):
    """Each answer is the one that was given alone, and the others have these statuses."""
    for index, status, text, _ in found:
        checks.check(status in statuses, f"{what}: {status} {text[:100]}")
        if status == 200:
            checks.check(kept(text) == alone[index], f"{what}: another answer than alone: {text[:100]}")


async def overloaded(checks, server, requests, alone, seconds):
    client = Client(server)
    messages = [client.message(*request) for request in requests]
    rate = await client.in_turn(messages, max(3, seconds / 20), 8)
    check_answers(checks, client.found, alone, {200}, "as much as it can do")
    told = f"{rate:.0f} requests/s can be answered ({latencies(client.found)})"
    client.found, stop, held = [], asyncio.Event(), []
    watching = asyncio.create_task(watched(server, stop, held))
    await client.at_rate(messages, seconds, 2 * rate)
    stop.set()
    await watching
    check_answers(checks, client.found, alone, {200, 503}, "twice what it can do")
    answered = [item for item in client.found if item[1] == 200]
    checks.check(len(answered) < len(client.found), "twice what it can do: nothing is refused")
    # What fills while a server gets warm is full after half of the time: what grows then grows without end.
    early, late = max(held[: len(held) // 2]), max(held[len(held) // 2:])
    checks.check(late < 1.25 * early + 20, f"twice what it can do: memory grows from {early:.0f} to {late:.0f} MB")
    print(f"  {told}; {len(client.found)} at twice that for {seconds:.0f} s: {len(answered) / seconds:.0f} a second answered ({latencies(client.found)}), "
          f"the others 503; at most {early:.0f} MB in the first half, {late:.0f} MB in the second", flush=True)


async def beside_trickling(checks, server, requests, alone, seconds, count):
    client, slow = Client(server), Client(server)
    messages = [client.message(*request) for request in requests]
    await client.in_turn(messages, seconds, 4)
    without, client.found = latencies(client.found), []
    stop = asyncio.Event()
    trickling = asyncio.create_task(slow.trickling(client.message("/api/generate", asked(PICTURE)), count, stop))
    await asyncio.sleep(2)
    held = memory(server.process)
    await client.in_turn(messages, seconds, 4)
    check_answers(checks, client.found, alone, {200}, f"beside {count} that trickle")
    # Those that were cut off come again, so that nearly all are there at any time.
    there = int(float(server.get("/metrics")[2].split("\ningot_connections ")[1].split()[0]))
    checks.check(there > 0.9 * count, f"only {there} of {count} are there")
    stop.set()
    await trickling
    print(f"  beside {count} that trickle for {seconds:.0f} s: {latencies(client.found)}; without: {without}; {held:.0f} MB, {there} connections", flush=True)


def check_sustained(checks, program, shelf, seconds, trickling):
    # Each connection is a descriptor here and one there, which inherits the bound.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < trickling + 2 * MOST_CONNECTIONS:
        print(f"only {hard - 2 * MOST_CONNECTIONS} connections that trickle: no more descriptors may be had here")
        trickling = hard - 2 * MOST_CONNECTIONS
    resource.setrlimit(resource.RLIMIT_NOFILE, (trickling + 2 * MOST_CONNECTIONS, hard))
    requests = mixed_requests()
    with Server(program, shelf, "--log", "warning", "--looks", "4") as server:
        alone = [kept(server.post(*request)[2]) for request in requests]
        asyncio.run(overloaded(checks, server, requests, alone, seconds))
        asyncio.run(beside_trickling(checks, server, requests, alone, max(3, min(60, seconds / 4)), trickling))
        checks.check(not server.log, f"under load the log has {server.log[:3]}")
    checks.end_group(f"{seconds:.0f} s at twice what it can do, {trickling} that trickle")
