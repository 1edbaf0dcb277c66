// Reads and publishes on a socket of `anynews serve` with Node's ws, and recovers.
// Takes the server's address as ws://host:port; exits with 0 and a last line "fine" when all held.
"use strict";
const assert = require("node:assert/strict");
const WebSocket = require("ws");

const url = `${process.argv[2]}/topics/node-room/socket`;

/** A socket whose frames are read one by one. */
class Reader {
  constructor(query) {
    this.frames = [];
    this.waiting = [];
    this.socket = new WebSocket(url + query);
    this.socket.on("message", (data, isBinary) => {
      assert.equal(isBinary, false);
      const frame = JSON.parse(data);
      const next = this.waiting.shift();
      if (next) next(frame);
      else this.frames.push(frame);
    });
    this.socket.on("error", (error) => { throw error; });
  }
  next() {
    if (this.frames.length > 0) return Promise.resolve(this.frames.shift());
    return new Promise((resolve) => this.waiting.push(resolve));
  }
  async until(wanted) {
    for (;;) {
      const frame = await this.next();
      if (wanted(frame)) return frame;
    }
  }
  send(body) { this.socket.send(JSON.stringify(body)); }
  /** Resolves to the server's close code. */
  close() {
    return new Promise((resolve) => {
      this.socket.on("close", resolve);
      this.socket.close(1000);
    });
  }
}

async function main() {
  const reader = new Reader("?as=reader");
  const { hello } = await reader.next();
  assert.equal(hello.offset, 0);

  const writer = new Reader("?as=writer");
  await writer.next();
  writer.send({ kind: "move", data: { x: 3, y: 4 }, id: "m-7" });
  const { ack } = await writer.until((frame) => frame.ack);
  assert.deepEqual(ack, { offset: 1, id: "m-7" });
  // The same id again: the same offset, and nothing is published twice.
  writer.send({ kind: "move", data: { x: 3, y: 4 }, id: "m-7" });
  assert.equal((await writer.until((frame) => frame.ack)).ack.offset, 1);
  writer.send({ data: "second" });
  assert.equal((await writer.until((frame) => frame.ack)).ack.offset, 2);

  const event = await reader.next();
  assert.deepEqual(event.data, { x: 3, y: 4 });
  assert.equal(event.from, "writer");
  assert.equal((await reader.next()).data, "second");
  assert.equal(await reader.close(), 1000);

  writer.send({ data: "while you were away" });
  await writer.until((frame) => frame.ack);
  const back = new Reader(`?as=reader&after=2&epoch=${hello.epoch}`);
  assert.equal((await back.next()).hello.recovered, true);
  assert.equal((await back.next()).data, "while you were away");
  await Promise.all([back.close(), writer.close()]);
  console.log("fine");
}

const patience = setTimeout(() => { console.error("no end within 20 s"); process.exit(1); }, 20_000);
main().then(() => clearTimeout(patience), (error) => { console.error(error); process.exit(1); });
