import { deepEqual, equal, rejects } from "node:assert/strict";
import { politeFetcher } from "@/corpus/polite.ts";
import { UserError } from "@/core/errors.ts";
import { fakeFetch, statusResponse, textResponse } from "../fakes/books.ts";
import { fakeContext } from "../fakes/context.ts";

const HOST = "https://mirror.example";

Deno.test("politeFetcher waits two seconds between requests to one host only", async () => {
  const { fetch } = fakeFetch({ [`${HOST}/*`]: textResponse("a"), "https://other.example/*": textResponse("b") });
  const context = fakeContext({ fetch });
  const get = politeFetcher(context, "Test");
  await get(`${HOST}/1`);
  await get("https://other.example/1");
  deepEqual(context.slept, []);
  await get(`${HOST}/2`);
  deepEqual(context.slept, [2000]);
});

Deno.test("politeFetcher names itself in every request", async () => {
  const { fetch, asked } = fakeFetch({ [`${HOST}/*`]: textResponse("a") });
  await politeFetcher(fakeContext({ fetch }), "Voiceworks/1 (+me@example.org)")(`${HOST}/1`);
  equal(asked[0]?.userAgent, "Voiceworks/1 (+me@example.org)");
});

Deno.test("politeFetcher obeys Retry-After on 429", async () => {
  const { fetch, asked } = fakeFetch({
    [`${HOST}/1`]: [statusResponse(429, { "retry-after": "90" }), textResponse("late")],
  });
  const context = fakeContext({ fetch });
  const answer = await politeFetcher(context, "Test")(`${HOST}/1`);
  equal(answer.kind, "ok");
  equal(asked.length, 2);
  deepEqual(context.slept, [90_000]);
});

Deno.test("politeFetcher backs off twice as long each time and then leaves the host alone", async () => {
  const { fetch, asked } = fakeFetch({ [`${HOST}/*`]: statusResponse(503) });
  const context = fakeContext({ fetch });
  const get = politeFetcher(context, "Test");
  equal((await get(`${HOST}/1`)).kind, "unreachable");
  equal((await get(`${HOST}/2`)).kind, "unreachable");
  equal(asked.length, 4);
  deepEqual(context.slept, [5_000, 10_000, 20_000]);
});

Deno.test("politeFetcher does not wait an hour for a busy host", async () => {
  const { fetch, asked } = fakeFetch({ [`${HOST}/*`]: statusResponse(429, { "retry-after": "3600" }) });
  const context = fakeContext({ fetch });
  equal((await politeFetcher(context, "Test")(`${HOST}/1`)).kind, "unreachable");
  equal(asked.length, 1);
  deepEqual(context.slept, []);
});

Deno.test("politeFetcher stops everything on 403", async () => {
  const { fetch } = fakeFetch({ [`${HOST}/*`]: statusResponse(403) });
  await rejects(politeFetcher(fakeContext({ fetch }), "Test")(`${HOST}/1`), (error) => {
    return error instanceof UserError && /mirror\.example.*403/.test(error.message) &&
      /--contact/.test(error.hint ?? "");
  });
});

Deno.test("politeFetcher asks a host without network once", async () => {
  const { fetch, asked } = fakeFetch({ [`${HOST}/*`]: () => new TypeError("dns error") });
  const context = fakeContext({ fetch });
  const get = politeFetcher(context, "Test");
  for (let book = 0; book < 60; book++) equal((await get(`${HOST}/${book}`)).kind, "unreachable");
  equal(asked.length, 1);
  deepEqual(context.slept, []);
});

Deno.test("politeFetcher retries a host that answered before", async () => {
  const { fetch } = fakeFetch({
    [`${HOST}/1`]: textResponse("a"),
    [`${HOST}/2`]: [() => new TypeError("connection reset"), textResponse("b")],
  });
  const get = politeFetcher(fakeContext({ fetch }), "Test");
  await get(`${HOST}/1`);
  equal((await get(`${HOST}/2`)).kind, "ok");
});

Deno.test("politeFetcher asks once more for a body shorter than announced", async () => {
  const { fetch, asked } = fakeFetch({ [`${HOST}/1`]: textResponse("half", { "content-length": "8" }) });
  const answer = await politeFetcher(fakeContext({ fetch }), "Test")(`${HOST}/1`);
  equal(answer.kind === "bad" && answer.reason, "truncated");
  equal(asked.length, 2);
});

Deno.test("politeFetcher gives up on a server that says nothing", async () => {
  const silent = (signal: AbortSignal) =>
    new Promise<Response>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const { fetch } = fakeFetch({ [`${HOST}/1`]: () => silent });
  const answer = await politeFetcher(fakeContext({ fetch }), "Test", { stallMs: 5 })(`${HOST}/1`);
  equal(answer.kind, "unreachable");
});

Deno.test("politeFetcher follows a redirect on the same host and no other", async () => {
  const { fetch, asked } = fakeFetch({
    [`${HOST}/1`]: statusResponse(302, { location: "/moved" }),
    [`${HOST}/moved`]: textResponse("a"),
    [`${HOST}/2`]: statusResponse(302, { location: "https://www.gutenberg.org/files/2/2-0.txt" }),
    [`${HOST}/loop`]: statusResponse(302, { location: "/loop" }),
  });
  const get = politeFetcher(fakeContext({ fetch }), "Test");
  equal((await get(`${HOST}/1`)).kind, "ok");
  equal((await get(`${HOST}/2`)).kind, "absent");
  equal((await get(`${HOST}/loop`)).kind, "absent");
  equal(asked.some(({ url }) => url.includes("www.gutenberg.org")), false);
});

Deno.test("politeFetcher refuses an endless body", async () => {
  const { fetch } = fakeFetch({ [`${HOST}/1`]: textResponse("x".repeat(2_000)) });
  const answer = await politeFetcher(fakeContext({ fetch }), "Test", { maxBytes: 1_000 })(`${HOST}/1`);
  equal(answer.kind === "bad" && answer.reason, "too_long");
});

Deno.test("politeFetcher stops between requests when the signal fires", async () => {
  const stop = new AbortController();
  const { fetch, asked } = fakeFetch({ [`${HOST}/*`]: textResponse("a") });
  const get = politeFetcher(fakeContext({ fetch, signal: stop.signal }), "Test");
  await get(`${HOST}/1`);
  stop.abort();
  await rejects(get(`${HOST}/2`), { name: "AbortError" });
  equal(asked.length, 1);
});
