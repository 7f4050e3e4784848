/** One server among several: whether it may be asked, and how much. */
import { type Controller, createController } from "./controller.ts";
import type { ChatError } from "./errors.ts";
import type { FleetState, Server } from "./scheduler_types.ts";

export interface Member<T> {
  readonly server: Server<T>;
  readonly controller: Controller;
  inFlight: number;
  /** One request alone, until it has brought a token: a server that loads its model on the first may load it twice for two. */
  warm: boolean;
  /** Times that it said it can answer nobody (no model, no access), before it ever answered. */
  refusals: number;
  failuresInRow: number;
  aside: { since: number; wait: number; error: ChatError } | undefined;
  readyAt: number;
  dead: ChatError | undefined;
}

/**
 * Refusals of every request after which a server that never answered is believed. LM Studio says "No models loaded"
 * while it swaps models, too; with a fifth of all answers so, one server in 600 is misjudged.
 */
export const BELIEVED_AFTER = 4;
export const FIRST_WAIT_MS = 1000, LONGEST_WAIT_MS = 60_000;
/** A server that asks for more patience than this is asked again no later than this. */
export const LONGEST_RETRY_AFTER_MS = 600_000;

export function newMember<T>(server: Server<T>, concurrency: "auto" | number): Member<T> {
  return {
    server,
    controller: createController({ concurrency }),
    inFlight: 0,
    warm: false,
    refusals: 0,
    failuresInRow: 0,
    aside: undefined,
    readyAt: -Infinity, // A clock may stand before the epoch.
    dead: undefined,
  };
}

export function capacityOf<T>(member: Member<T>, now: number): number {
  if (member.dead || member.readyAt > now) return 0;
  return member.aside || !member.warm ? 1 : member.controller.limit;
}

/** The server with the most room for its size, if possible another than the one that just failed. */
export function freest<T>(members: readonly Member<T>[], now: number, avoid?: Member<T>): Member<T> | undefined {
  const open = members.filter((member) => member.inFlight < capacityOf(member, now));
  const others = open.filter((member) => member !== avoid);
  const load = (member: Member<T>) => member.inFlight / capacityOf(member, now);
  return (others.length > 0 ? others : open).reduce<Member<T> | undefined>(
    (least, member) => !least || load(member) < load(least) ? member : least,
    undefined,
  );
}

export function stateOf<T>(member: Member<T>, now: number): FleetState["servers"][number] {
  const { server, controller, inFlight, dead, aside, readyAt } = member;
  return {
    name: server.name,
    state: dead ? "unusable" : aside ? "set aside" : readyAt > now ? "paused" : "up",
    phase: controller.phase,
    limit: controller.limit,
    inFlight,
    tokensPerSecond: dead || aside ? 0 : controller.tokensPerSecond,
  };
}

/** Doubles with each try, jittered by half, so that requests that failed together do not come back together. */
export function backoff(tried: number, random: () => number): number {
  return Math.min(FIRST_WAIT_MS * 2 ** tried, LONGEST_WAIT_MS) * (0.5 + random() / 2);
}
