/** Version of Voiceworks: part of every fingerprint, of the User-Agent and of a dataset's card. */
export const VERSION = "0.1.0";
