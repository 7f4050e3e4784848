/**
 * The environment variables that Voiceworks reads. Tasks are granted these by name (`--allow-env` in deno.json); a test
 * holds the two lists together.
 */
export const ENVIRONMENT = [
  // Where things are.
  "GUTENBERG_DATA",
  "VOICEWORKS_CACHE",
  "HOME",
  "USERPROFILE",
  "LOCALAPPDATA",
  "APPDATA",
  "XDG_CACHE_HOME",
  "XDG_DATA_HOME",
  "JUPYTER_DATA_DIR",
  "PATH",
  // The server that answers, and how to prove who asks. Tokens come from here only.
  "LMSTUDIO_HOST",
  "LMSTUDIO_PORT",
  "LM_API_TOKEN",
  "OPENAI_API_KEY",
  "HF_TOKEN",
  "HF_TOKEN_PATH",
  "HF_ENDPOINT",
  // Where transformers keeps the models that it fetched, and whether it may ask for more.
  "HF_HOME",
  "HF_HUB_CACHE",
  "HF_HUB_OFFLINE",
  // Toolchains that the user has already.
  "VOICEWORKS_PYTHON_TRAIN",
  "VOICEWORKS_PYTHON_LLAMA",
  "VOICEWORKS_PYTHON_AXOLOTL",
  "VOICEWORKS_PYTHON_NOTEBOOK",
  "VOICEWORKS_PYTHON_LAB",
  "LLAMA_CPP_DIR",
  "LLAMA_CPP_CMAKE_ARGS",
  "LLAMA_CPP_BIN",
  // GPU settings that the doctor holds against the truth.
  "HSA_OVERRIDE_GFX_VERSION",
  "AMD_SERIALIZE_KERNEL",
  "AMD_SERIALIZE_COPY",
  "CUDA_VISIBLE_DEVICES",
  "HIP_VISIBLE_DEVICES",
  // Terminal and CI habits.
  "NO_COLOR",
  "CI",
  "VOICEWORKS_CORPUS",
] as const;

/** The variables above that are set and that this process may read. */
export function readEnvironment(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of ENVIRONMENT) {
    try {
      const value = Deno.env.get(name);
      if (value !== undefined) env[name] = value;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotCapable)) throw error; // Not granted to this task: as good as unset.
    }
  }
  return env;
}
