import { UserError } from "../core/errors.ts";

/** Why a book was not let through. */
export type RefusalReason =
  | "empty"
  | "binary"
  | "no_markers"
  | "cut_off"
  | "no_prose"
  | "too_much_lost"
  | "licence_left";

/** A text that cleaning will not vouch for: the message is a sentence for the reader, `reason` a key for counting. */
export class RefusedBook extends UserError {
  override readonly name = "RefusedBook";
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string, hint?: string) {
    super(message, hint === undefined ? {} : { hint });
    this.reason = reason;
  }
}
