// Reads the gateway: questions, orders, and the stream of news. A token is asked for once.

const KEY = "sim2live-token";
let token = sessionStorage.getItem(KEY) || "";

export function setToken(value) {
  token = value;
  sessionStorage.setItem(KEY, value);
}
const headers = more => (token ? { ...more, Authorization: `Bearer ${token}` } : more);

export async function ask(path) {
  const answer = await fetch(path, { headers: headers({}) });
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error || `HTTP ${answer.status}`);
  return answer.json();
}

export async function post(path, content) {
  const answer = await fetch(path, {
    method: "POST",
    headers: headers({ "Content-Type": "application/json" }),
    body: JSON.stringify(content),
  });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.error || `HTTP ${answer.status}`);
  return told;
}

// An EventSource cannot send a token, so the events are read from a plain request.
export async function follow(path, { onEvent, onLink, onToken }) {
  for (let pause = 250; ; pause = Math.min(4000, pause * 2)) {
    try {
      const answer = await fetch(path, { headers: headers({ Accept: "text/event-stream" }) });
      if (answer.status === 401) { onLink("lost", "a token is needed"); await onToken(); pause = 125; continue; }
      if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error || `HTTP ${answer.status}`);
      onLink("live", "live");
      pause = 250;
      await read(answer.body.pipeThrough(new TextDecoderStream()).getReader(), onEvent);
      onLink("lost", "the gateway has ended");
    } catch (error) {
      onLink("lost", error instanceof TypeError ? "the gateway does not answer" : error.message);
    }
    await new Promise(done => setTimeout(done, pause));
  }
}

async function read(reader, onEvent) {
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      const block = rest.slice(0, end);
      rest = rest.slice(end + 2);
      let kind = "", data = "";
      for (const line of block.split("\n")) {
        if (line.startsWith("event: ")) kind = line.slice(7);
        else if (line.startsWith("data: ")) data += line.slice(6);
      }
      if (kind) onEvent(kind, JSON.parse(data));
    }
  }
}
