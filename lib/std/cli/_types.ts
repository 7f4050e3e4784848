/**
 * How the result type of `parseArgs` follows from its options.
 *
 * Each named flag becomes an object type that holds one value at the flag's dotted path; the intersection of all of
 * them, then the defaults, then the aliases give the result.
 */

/** What `boolean` infers: names, or one switch for all double-dash flags. */
export type BooleanNames = boolean | string | undefined;
/** What `string`, `collect` and `negatable` infer. */
export type Names = string | undefined;
/** What `alias` infers: a name to its other names. */
export type AliasMap<Name extends string = string, Alias extends string = string> = Partial<
  Record<Name, Alias | ReadonlyArray<Alias>>
>;

type PlainObject = Record<string, unknown>;

/** `"a.b"` and `V` give `{ a: { b: V } }`. */
type AtPath<Path extends string, Value> = Path extends `${infer Head}.${infer Rest}`
  ? { [Key in Head]: AtPath<Rest, Value> }
  : { [Key in Path]: Value };

/** As `AtPath`, each step of it optional. */
type AtOptionalPath<Path extends string, Value> = Path extends `${infer Head}.${infer Rest}`
  ? { [Key in Head]?: AtOptionalPath<Rest, Value> }
  : { [Key in Path]?: Value };

/** `A | B` gives `A & B`: a union in a parameter's place is inferred as an intersection. */
type Intersection<Union> = (Union extends unknown ? (_: Union) => void : never) extends (_: infer All) => void
  ? All extends PlainObject ? All : never
  : never;

/** Writes intersections of objects out as one object, at every depth. Arrays, dates and the like stay. */
export type Flat<Type> = Type extends PlainObject ? { [Key in keyof Type]: Flat<Type[Key]> } : Type;

/** The names an option lists; an option that may be absent, or is only a switch, lists none. */
type Listed<Option> = undefined extends Option ? never : Extract<Option, string>;

/** `false` for a flag that `--no-` may switch off. */
type IfNegatable<Name, Negatable> = Name extends Negatable ? false : never;

/** A boolean is always there, `false` or `[]` where it was not given. */
type BooleanFlag<Name, Collect> = Name extends string ? AtPath<Name, Name extends Collect ? Array<boolean> : boolean>
  : never;

/** A string is there where it was given; a collected one always. */
type StringFlag<Name, Collect, Negatable> = Name extends string
  ? Name extends Collect ? AtPath<Name, Array<string> | IfNegatable<Name, Negatable>>
  : AtOptionalPath<Name, string | IfNegatable<Name, Negatable>>
  : never;

/** A flag that is collected but neither boolean nor string. */
type CollectedFlag<Name, Negatable> = Name extends string ? AtPath<Name, Array<unknown> | IfNegatable<Name, Negatable>>
  : never;

/** All flags that the options name. The empty record keeps the intersection an object where there is none. */
type NamedFlags<Boolean, String, Collect, Negatable> = Intersection<
  | Record<never, never>
  | BooleanFlag<Listed<Boolean>, Collect>
  | StringFlag<Listed<String>, Collect, Negatable>
  | CollectedFlag<Exclude<Listed<Collect>, Listed<Boolean> | Listed<String>>, Negatable>
>;

/** `{ "a.b": V }` gives `{ a: { b: V } }`; a record of unknown keys stays. */
type Undotted<Defaults> = PlainObject extends Defaults ? Defaults
  : Defaults extends PlainObject
    ? Intersection<{ [Key in keyof Defaults]-?: AtPath<Key & string, Defaults[Key]> }[keyof Defaults]>
  : Defaults;

/** A default is one more value that a flag may have, and makes the flag required; deep where both are objects. */
type WithDefaults<Flags, Defaults> = Defaults extends undefined ? Flags
  :
    & Omit<Flags, keyof Defaults>
    & {
      [Key in keyof Defaults]: Key extends keyof Flags ? OrDefault<NonNullable<Flags[Key]>, Defaults[Key]> : unknown;
    };

type OrDefault<Flag, Default> = [Flag, Default] extends [PlainObject, PlainObject] ? WithDefaults<Flag, Default>
  : Flag | Default;

/** Each flag under its own name and its aliases. */
type WithAliases<Flags, Aliases> = {
  [Name in keyof Flags as Name | (Name extends keyof Aliases ? AliasesIn<Aliases[Name]> : never)]: Flags[Name];
};

// A list under `as const` is no `Array` and names nothing: that is how the original infers it.
type AliasesIn<Alias> = string extends Alias ? never
  : Alias extends string ? Alias
  : Alias extends Array<string> ? Alias[number]
  : never;

/** Whether an option names no flag: absent, perhaps absent, or `boolean: false`. */
type NamesNothing<Option> = undefined extends Option ? true : false extends Option ? true : false;

/** The flags that `parseArgs` finds: `any` in every one unless `boolean`, `string` or `collect` says what they are. */
export type Flags<Boolean, String, Collect, Negatable, Defaults, Aliases> =
  [NamesNothing<Boolean>, NamesNothing<String>, NamesNothing<Collect>] extends [true, true, true]
    // deno-lint-ignore no-explicit-any
    ? Record<string, any>
    :
      & PlainObject
      & WithAliases<WithDefaults<NamedFlags<Boolean, String, Collect, Negatable>, Undotted<Defaults>>, Aliases>;

/**
 * What an editor suggests in `default`: each name, whole and by its first part. Any other key is allowed too. (`Flat`
 * hides the index signature while the options are inferred: beside it an empty `default: {}` infers nothing.)
 */
export type DefaultKeys<Boolean, String> = Flat<
  & PlainObject
  & { [Name in Extract<Boolean | String, string> as Name | FirstPart<Name>]?: unknown }
>;

type FirstPart<Path extends string> = Path extends `${infer Head}.${string}` ? Head : Path;
