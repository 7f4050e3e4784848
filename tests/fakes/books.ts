/** Books as mirrors hold them, and a mirror that answers what a test wants. */

/** A small book in the form of a file of Project Gutenberg. */
export function bookFile(id: number, title: string, options: { end?: boolean; paragraphs?: number } = {}): string {
  const paragraph = "The council met at dawn beside the river, and the old surveyor spread his map upon the table\n" +
    "so that everybody could see how the canal was to run between the hills.";
  const name = title.toUpperCase();
  return [
    `The Project Gutenberg eBook of ${title}`,
    "",
    `Title: ${title}`,
    "",
    "Author: A. N. Author",
    "",
    `Release date: May 1, 1999 [eBook #${id}]`,
    "",
    "Language: English",
    "",
    `*** START OF THE PROJECT GUTENBERG EBOOK ${name} ***`,
    "",
    "CHAPTER I",
    "",
    ...Array.from({ length: options.paragraphs ?? 4 }, () => `${paragraph}\n`),
    ...(options.end === false ? [] : [`*** END OF THE PROJECT GUTENBERG EBOOK ${name} ***`, ""]),
  ].join("\r\n");
}

type Answer = Response | Error | ((signal: AbortSignal) => Promise<Response>);

/**
 * A fetch that answers by address: a list is used up from the front and its last entry stays; what is not named is 404.
 * `asked` holds every request.
 */
export function fakeFetch(
  answers: Record<string, (() => Answer)[] | (() => Answer)>,
): { fetch: typeof fetch; asked: { url: string; userAgent: string | null }[] } {
  const asked: { url: string; userAgent: string | null }[] = [];
  const left = new Map(Object.entries(answers).map(([url, list]) => [url, Array.isArray(list) ? [...list] : [list]]));
  return {
    asked,
    fetch: async (input, init) => {
      const url = input instanceof Request ? input.url : String(input);
      asked.push({ url, userAgent: new Headers(init?.headers).get("user-agent") });
      const list = left.get(url) ?? left.get(`${new URL(url).origin}/*`);
      const make = list && list.length > 1 ? list.shift() : list?.[0];
      const answer = make?.() ?? new Response("Not Found", { status: 404 });
      if (answer instanceof Error) throw answer;
      if (answer instanceof Response) return answer;
      return await answer(init?.signal ?? new AbortController().signal);
    },
  };
}

/** A plain text answer. */
export function textResponse(text: string, headers: Record<string, string> = {}): () => Response {
  return () => new Response(text, { headers: { "content-type": "text/plain; charset=utf-8", ...headers } });
}

/** An empty answer of that status. */
export function statusResponse(status: number, headers: Record<string, string> = {}): () => Response {
  return () => new Response(null, { status, headers });
}
