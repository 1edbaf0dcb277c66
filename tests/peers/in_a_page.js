// Runs inside a page of the server's own origin: EventSource reads, WebSocket reads and publishes,
// fetch publishes. WebDriver's execute/async gives the callback as the last argument.
const done = arguments[arguments.length - 1];
const topic = `${location.origin}/topics/browser-room`;
const seen = { stream: [], socket: [], acks: [] };
// Conditions somebody waits for, looked at again whenever a frame comes.
let waiting = [];
const until = (holds) => new Promise((resolve) => { waiting.push([holds, resolve]); look(); });
const look = () => { waiting = waiting.filter(([holds, resolve]) => !holds() || resolve()); };
const post = (body) =>
  fetch(`${topic}/events`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  }).then((answer) => answer.status);

async function main() {
  const source = new EventSource(`${topic}/stream`);
  const socket = new WebSocket(`${topic.replace("http", "ws")}/socket?as=page`);
  const greeted = new Promise((resolve) => source.addEventListener("hello", resolve));
  const welcomed = new Promise((resolve) => {
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (frame.hello) resolve();
      else if (frame.ack) seen.acks.push(frame.ack);
      else seen.socket.push(frame.data);
      look();
    };
  });
  source.addEventListener("message", ({ data, lastEventId }) => {
    seen.stream.push([JSON.parse(data).data, lastEventId.split(":").pop()]);
    look();
  });
  await Promise.all([greeted, welcomed]);
  socket.send(JSON.stringify({ data: "from the socket", id: "p-1" }));
  await until(() => seen.acks.length === 1);
  seen.posted = await post({ data: "from fetch" });
  // Both events on the stream, one on the socket: a client's own does not come back.
  await until(() => seen.stream.length === 2 && seen.socket.length === 1);
  source.close();
  seen.closed = await new Promise((resolve) => {
    socket.onclose = ({ code }) => resolve(code);
    socket.close(1000);
  });
  return seen;
}

main().then(done, (error) => done({ error: String(error) }));
