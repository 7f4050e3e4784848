/** What the steps of training need and Voiceworks installs or builds by itself. */
import { pythonFor, type Toolchain } from "../core/python_venv.ts";
import { emitAll, type Provision } from "../core/step.ts";
import { llamaConverter, llamaProgram } from "../llm/llama_cpp.ts";
import { PROGRAMS } from "../llm/llama_cpp_build.ts";

/** The packages of `lib/python/requirements-<toolchain>.txt`. */
export function pythonPackages(toolchain: Toolchain): Provision {
  return {
    name: `Python packages (${toolchain})`,
    provide: (context) => emitAll(pythonFor(toolchain, context), context),
  };
}

/** Its sources, which hold the converter; a compiler is not needed. */
export const llamaSources: Provision = { name: "the sources of llama.cpp", provide: llamaConverter };

/** Its programs too. */
export const llamaPrograms: Provision = {
  name: "llama.cpp",
  async provide(context) {
    for (const name of PROGRAMS) await llamaProgram(name, context);
    await llamaConverter(context);
  },
};
