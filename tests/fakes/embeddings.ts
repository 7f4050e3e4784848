/** Toy embeddings that know five topics by their words, and a server that hands them out with the quirks of real ones. */

/** Words that carry a topic; each topic is a direction. */
export const TOPICS: Readonly<Record<string, readonly string[]>> = {
  strategy: ["chess", "pawn", "rook", "bishop", "checkmate", "gambit"],
  science: ["experiment", "laboratory", "equation", "dynamo", "telescope", "physics"],
  collectivism: ["commune", "comrades", "workers", "collective", "brotherhood", "together"],
};
/** One direction a topic, one for all else, so that texts have something in common. */
export const DIMENSIONS = Object.keys(TOPICS).length + 1;

/** Counts of topic words, and 1. */
export function toyVector(text: string): number[] {
  const words = text.toLowerCase().match(/[a-z]+/g) ?? [];
  return [...Object.values(TOPICS).map((topic) => words.filter((word) => topic.includes(word)).length), 1];
}

export interface EmbeddingRequest {
  model: string;
  input: string[];
  encoding_format?: string;
}

/** What the server does with a request: a response, or the toy's vectors changed. */
export type Behave = (request: EmbeddingRequest, index: number) => Response | undefined;

/** A `fetch` that is a server with one embedding model. */
export function fakeEmbeddings(
  options: { behave?: Behave; models?: unknown; model?: string } = {},
): { fetch: typeof fetch; requests: EmbeddingRequest[]; authorization: (string | null)[] } {
  const requests: EmbeddingRequest[] = [];
  const authorization: (string | null)[] = [];
  const answer = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const { pathname } = new URL(request.url);
    if (request.method === "GET" && pathname === "/api/v1/models") {
      return Response.json(
        options.models ?? {
          models: [
            { type: "llm", key: "openai/gpt-oss-20b", loaded_instances: [{ id: "a" }] },
            { type: "embedding", key: "idle-embedding", loaded_instances: [] },
            { type: "embedding", key: "toy-embedding", loaded_instances: [{ id: "b" }] },
          ],
        },
      );
    }
    if (request.method !== "POST" || pathname !== "/v1/embeddings") {
      return Response.json({ error: `Unexpected endpoint or method. (${request.method} ${pathname})` });
    }
    const body: EmbeddingRequest = await request.json();
    authorization.push(request.headers.get("authorization"));
    requests.push(body);
    return options.behave?.(body, requests.length - 1) ??
      rows(body.input.map(toyVector), options.model ?? body.model);
  };
  return { fetch: answer, requests, authorization };
}

/** A well-formed answer. */
export function rows(vectors: readonly unknown[], model = "toy-embedding"): Response {
  return Response.json({
    object: "list",
    data: vectors.map((embedding, index) => ({ object: "embedding", embedding, index })),
    model,
    usage: { prompt_tokens: 0, total_tokens: 0 },
  });
}

/** Base64 of little-endian 32-bit floats, as OpenAI's own server sends. */
export function base64(vector: readonly number[]): string {
  return btoa(String.fromCharCode(...new Uint8Array(Float32Array.from(vector).buffer)));
}
