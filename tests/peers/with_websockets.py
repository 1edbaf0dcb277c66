"""Reads and publishes on a socket of `anynews serve` with Python's websockets, and recovers.

Takes the server's address as ws://host:port; exits with 0 and a last line "fine" when all held.
"""

import asyncio
import json
import sys

import websockets


async def receive(socket):
    return json.loads(await asyncio.wait_for(socket.recv(), 10))


async def until(socket, wanted):
    """The first frame for which `wanted` holds; acknowledgements and events may come in any order."""
    while True:
        frame = await receive(socket)
        if wanted(frame):
            return frame


async def main(base):
    url = f"{base}/topics/python-room/socket"
    async with websockets.connect(f"{url}?as=reader") as reader:
        hello = (await receive(reader))["hello"]
        assert hello["offset"] == 0 and hello["recovered"] is True, hello
        epoch = hello["epoch"]

        async with websockets.connect(f"{url}?as=writer") as writer:
            await receive(writer)
            await writer.send(json.dumps({"data": {"text": "Coming? ☎"}, "id": "a-1"}))
            ack = (await until(writer, lambda frame: "ack" in frame))["ack"]
            assert ack == {"offset": 1, "id": "a-1"}, ack
            # Its own events do not come back, so the next frame is the answer to this mistake.
            await writer.send("this is no JSON")
            error = await receive(writer)
            assert "error" in error, error

        event = await receive(reader)
        assert event["data"] == {"text": "Coming? ☎"}, event
        assert (event["offset"], event["from"], event["kind"]) == (1, "writer", "message"), event

    # Away while two more are published; back with the position known.
    async with websockets.connect(f"{url}?as=writer") as writer:
        await receive(writer)
        for text in ("one", "two"):
            await writer.send(json.dumps({"data": text}))
            await until(writer, lambda frame: "ack" in frame)
    async with websockets.connect(f"{url}?as=reader&after=1&epoch={epoch}") as reader:
        hello = (await receive(reader))["hello"]
        assert hello["recovered"] is True, hello
        missed = [(await receive(reader))["data"] for _ in range(2)]
        assert missed == ["one", "two"], missed
    async with websockets.connect(f"{url}?after=1&epoch=another") as reader:
        hello = (await receive(reader))["hello"]
        assert hello["recovered"] is False and hello["offset"] == 3, hello

    # A page of a foreign origin is turned away before the upgrade.
    try:
        async with websockets.connect(url, origin="http://evil.example"):
            raise AssertionError("a foreign origin was let in")
    except websockets.InvalidStatus as refusal:
        assert refusal.response.status_code == 403, refusal
    print("fine")


asyncio.run(main(sys.argv[1]))
