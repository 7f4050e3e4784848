/**
 * A generator as a stage of a pipe: `toTransformStream` of `@std/streams/to-transform-stream`.
 *
 * @module
 */

/**
 * Makes a transform stream of a generator that reads one stream and yields another.
 *
 * An error in the generator cancels the source and fails the output; cancelling the output throws the reason inside the
 * generator (so that its `finally` runs) and cancels the source.
 *
 * @param transformer Called at once, with the source; its items are pulled as the output is read.
 * @param writableStrategy Queue between the source and the generator.
 * @param readableStrategy Queue of the output.
 * @throws {TypeError} where `transformer` returns nothing that can be iterated.
 *
 * @example
 * ```ts
 * import { toTransformStream } from "@std/streams/to-transform-stream";
 * import { deepStrictEqual } from "node:assert/strict";
 *
 * const lengths = toTransformStream(async function* (words: ReadableStream<string>) {
 *   for await (const word of words) yield word.length;
 * });
 * const stream = ReadableStream.from(["rook", "bishop"]).pipeThrough(lengths);
 * deepStrictEqual(await Array.fromAsync(stream), [4, 6]);
 * ```
 */
export function toTransformStream<I, O>(
  transformer: (src: ReadableStream<I>) => Iterable<O> | AsyncIterable<O>,
  writableStrategy?: QueuingStrategy<I>,
  readableStrategy?: QueuingStrategy<O>,
): TransformStream<I, O> {
  const { writable, readable: source } = new TransformStream<I, I>(undefined, writableStrategy);
  const iterator = iterate(transformer(source));

  const readable = new ReadableStream<O>({
    async pull(controller) {
      let item: IteratorResult<O>;
      try {
        item = await iterator.next();
      } catch (error) {
        // The source may have failed itself or still be locked; the generator's error is the one to tell.
        await source.cancel(error).catch(() => {});
        controller.error(error);
        return;
      }
      if (item.done) controller.close();
      else controller.enqueue(item.value);
    },
    async cancel(reason) {
      try {
        await iterator.throw?.(reason);
      } catch {
        // A generator that does not catch the reason throws it back.
      }
      await source.cancel(reason);
    },
  }, readableStrategy);
  return { writable, readable };
}

function iterate<T>(items: Partial<Iterable<T> & AsyncIterable<T>> | null): Iterator<T> | AsyncIterator<T> {
  const iterator = items?.[Symbol.asyncIterator]?.() ?? items?.[Symbol.iterator]?.();
  if (!iterator) throw new TypeError("Transformer must return an iterable or async iterable");
  return iterator;
}
