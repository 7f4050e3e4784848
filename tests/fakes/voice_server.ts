/**
 * A fake of vLLM's OpenAI server, on a port of its own: lists its models, continues by /v1/completions and
 * /v1/chat/completions, refuses a model that it does not have with 404, and can repeat the prompt, keep silent or stop in
 * the middle of a sentence as real ones do.
 */

/** A request for a continuation, as it came over the wire. */
export interface SeenCompletion {
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly prompt: string;
}

/** What one request gets: a text, with how it ended, or a refusal. */
export type Continued = { text: string; finish?: string } | { status: number; body: unknown };

export interface VoiceServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly seen: SeenCompletion[];
}

export function fakeVoiceServer(
  options: {
    models?: readonly string[];
    answer?: (request: SeenCompletion, index: number) => Continued | Promise<Continued>;
    port?: number;
  } = {},
): VoiceServer {
  const { models = ["base"], answer = ({ prompt }, index): Continued => ({ text: storyOf(prompt, index) }) } = options;
  const seen: SeenCompletion[] = [];
  const server = Deno.serve({ port: options.port ?? 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/health") return new Response();
    if (pathname === "/v1/models") {
      return Response.json({ object: "list", data: models.map((id) => ({ id, object: "model", owned_by: "vllm" })) });
    }
    if (!/^\/v1\/(?:chat\/)?completions$/.test(pathname)) {
      return Response.json({ detail: "Not Found" }, { status: 404 });
    }
    const body = await request.json();
    if (!models.includes(body.model)) {
      const error = { message: `The model \`${body.model}\` does not exist.`, type: "NotFoundError", code: 404 };
      return Response.json({ error }, { status: 404 });
    }
    const chat = pathname.includes("chat");
    const prompt = chat ? body.messages.at(-1).content : body.prompt;
    const one: SeenCompletion = { path: pathname, body, prompt };
    seen.push(one);
    const given = await answer(one, seen.length - 1);
    if ("status" in given) return Response.json(given.body, { status: given.status });
    const choice = chat ? { message: { role: "assistant", content: given.text } } : { text: given.text };
    return Response.json({
      id: "cmpl-1",
      model: body.model,
      choices: [{ index: 0, ...choice, finish_reason: given.finish ?? "stop" }],
      usage: { prompt_tokens: 9, completion_tokens: 40 },
    });
  });
  const { port } = server.addr;
  return { url: `http://127.0.0.1:${port}`, port, seen, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** Forty words that differ by prompt and request. */
export function storyOf(prompt: string, index: number): string {
  const place = ["gate", "ramp", "winch", "board", "stove", "pier"][(prompt.length + index) % 6];
  return `You walk to the ${place} and wait there for the sea. Nobody comes. You count what is left, number ${index}, and ` +
    "you tie a knot for it. “Close?” he says behind you. You do not answer him, and he does not ask again.";
}
