import { equal, throws } from "node:assert/strict";
import { UsageError } from "@/core/errors.ts";
import { apiToken, lmstudioAddress, serverAddress } from "@/llm/server.ts";

Deno.test("serverAddress reads addresses as people write them", () => {
  const same = [
    "http://localhost:1234",
    "http://localhost:1234/",
    "http://localhost:1234/v1",
    "http://localhost:1234/v1/",
  ];
  for (const text of [...same, "localhost:1234", "localhost:1234/v1"]) {
    const { root, openai, shown } = serverAddress(text);
    equal(`${root} ${openai} ${shown}`, "http://localhost:1234 http://localhost:1234/v1 http://localhost:1234", text);
  }
  equal(serverAddress("https://example.org/api/v1").openai, "https://example.org/api/v1");
  equal(serverAddress("https://example.org/proxy").openai, "https://example.org/proxy/v1");
  equal(serverAddress("https://example.org/v1beta/openai/").openai, "https://example.org/v1beta/openai");
});

Deno.test("serverAddress shows no credentials", () => {
  equal(serverAddress("http://me:secret@host:1/v1").shown, "http://host:1");
});

Deno.test("serverAddress refuses what is no address", () => {
  for (const text of ["", "ftp://host", "http://", "http://host?x=1", "file:///tmp"]) {
    throws(() => serverAddress(text), UsageError, text);
  }
});

Deno.test("lmstudioAddress takes options before the environment before the default", () => {
  const env = { LMSTUDIO_HOST: "10.0.0.2", LMSTUDIO_PORT: "4321" };
  equal(lmstudioAddress({}, {}).root, "http://localhost:1234");
  equal(lmstudioAddress({}, env).root, "http://10.0.0.2:4321");
  equal(lmstudioAddress({ lmstudioHost: "other" }, env).root, "http://other:4321");
  equal(lmstudioAddress({ lmstudioPort: 1 }, {}).root, "http://localhost:1");
  equal(lmstudioAddress({ lmstudioUrl: "http://a:5/v1" }, env).root, "http://a:5");
  throws(() => lmstudioAddress({ lmstudioUrl: "http://a:5", lmstudioPort: 1 }, {}), /together/);
  throws(() => lmstudioAddress({}, { LMSTUDIO_PORT: "many" }), /many/);
});

Deno.test("apiToken prefers LM Studio's own variable", () => {
  equal(apiToken({ LM_API_TOKEN: "a", OPENAI_API_KEY: "b" }), "a");
  equal(apiToken({ OPENAI_API_KEY: "b" }), "b");
  equal(apiToken({ LM_API_TOKEN: "" }), undefined);
});
