/** A thread that answers questions in order: those that come in one turn of the event loop go there in few messages. */
import { messageOf } from "../core/errors.ts";

/** To the thread: first what it needs, then lists of questions. */
type ToThread<Setup, Question> = { readonly setup: Setup } | { readonly questions: readonly Question[] };
/** From the thread: one message for each, in order. */
type FromThread<Answer> =
  | { readonly ready: true }
  | { readonly answers: readonly Answer[] }
  | { readonly fault: string };

/** Answers may be had before it is ready: they take longer. */
export interface Thread<Question, Answer> extends Disposable {
  readonly ready: Promise<void>;
  ask(question: Question): Promise<Answer>;
}

/** How questions go to a thread: what is gathered sooner makes a thread begin sooner, and costs a message. */
export interface Gathering {
  /** Questions of a message at most. */
  readonly most: number;
  /** How long one waits for others, in milliseconds. */
  readonly waitMs: number;
}

/**
 * Starts a thread; disposing ends it.
 *
 * @param name As in "the thread of the gates failed".
 * @param module Calls {@linkcode serve}.
 * @param gathering By default what comes in one turn of the event loop goes together.
 */
export function openThread<Setup, Question, Answer>(
  name: string,
  module: URL,
  setup: Setup,
  { most, waitMs }: Gathering = { most: 64, waitMs: 0 },
): Thread<Question, Answer> {
  const worker = new Worker(module, { type: "module" });
  const send = (message: ToThread<Setup, Question>) => worker.postMessage(message);
  const waiting: PromiseWithResolvers<Answer>[] = [];
  let questions: Question[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let broken: Error | undefined;
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => {}); // Whoever waits for an answer is told as well.
  const fail = (why: string) => {
    broken = new Error(`the thread of ${name} failed: ${why}`);
    ready.reject(broken);
    for (const { reject } of waiting.splice(0)) reject(broken);
  };
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    send({ questions });
    questions = [];
  };
  worker.onmessage = ({ data }: MessageEvent<FromThread<Answer>>) => {
    if ("fault" in data) return fail(data.fault);
    if ("ready" in data) return ready.resolve();
    const answered = waiting.splice(0, data.answers.length);
    answered.forEach(({ resolve }, at) => resolve(data.answers[at] as Answer));
  };
  worker.onerror = (event) => {
    event.preventDefault();
    fail(event.message);
  };
  send({ setup });
  return {
    ready: ready.promise,
    ask(question) {
      if (broken) return Promise.reject(broken);
      const answer = Promise.withResolvers<Answer>();
      answer.promise.catch(() => {}); // Told when it is asked for.
      waiting.push(answer);
      if (questions.push(question) >= most) flush();
      else timer ??= setTimeout(flush, waitMs);
      return answer.promise;
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      worker.terminate();
    },
  };
}

/** The inside of a thread: prepares, then answers. */
export function serve<Setup, Question, Answer>(
  prepare: (setup: Setup) => Promise<(question: Question) => Answer> | ((question: Question) => Answer),
): void {
  const scope = globalThis as unknown as { // The types of the project are those of a window.
    onmessage: ((event: MessageEvent<ToThread<Setup, Question>>) => void) | null;
    postMessage(message: FromThread<Answer>): void;
  };
  let answer: Promise<(question: Question) => Answer>;
  const answerTo = async (message: ToThread<Setup, Question>): Promise<FromThread<Answer>> => {
    if ("setup" in message) {
      await (answer = Promise.resolve(prepare(message.setup)));
      return { ready: true };
    }
    return { answers: message.questions.map(await answer) };
  };
  scope.onmessage = async ({ data }) =>
    scope.postMessage(await answerTo(data).catch((error) => ({ fault: messageOf(error) })));
}
