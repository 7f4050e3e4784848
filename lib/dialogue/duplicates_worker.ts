/** The inside of the thread of duplicates_thread.ts. */
import { createTaker, type DuplicateRules, type Offer, type Taken } from "./duplicates_thread.ts";
import { serve } from "./thread.ts";

serve<DuplicateRules, Offer, Taken>((rules) => {
  const { take } = createTaker(rules);
  return (offer) => take(offer) as Taken;
});
