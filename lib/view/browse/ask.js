// What the page asks its server for; a refusal becomes an error with the server's own words.

const token = location.pathname.split("/")[1];

class Trouble extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Gets JSON from the server; with a body, posts it. */
export async function ask(path, body, signal) {
  const post = body && {
    method: "POST",
    headers: { "content-type": "application/json", "x-voiceworks-token": token },
    body: JSON.stringify(body),
  };
  let response;
  try {
    response = await fetch(path, { credentials: "omit", signal, ...post });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble(0, "The server has ended. Start deno task browse again and open its new address.");
  }
  if (!response.ok) throw new Trouble(response.status, await response.text());
  return await response.json();
}
