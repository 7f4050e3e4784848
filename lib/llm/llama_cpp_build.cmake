# Compiles llama.cpp in 10.5 minutes of one core instead of 17 (0.3.36, GCC 12). CMake reads this after llama.cpp's own
# project(), by CMAKE_PROJECT_INCLUDE. What computes (ggml) is left as it is, at -O3.

if(NOT PROJECT_NAME STREQUAL "llama.cpp" OR MSVC)
  return()
endif()

# The last -O of a command line holds.
function(voiceworks_optimize level)
  foreach(target ${ARGN})
    if(TARGET ${target})
      target_compile_options(${target} PRIVATE -O${level})
    endif()
  endforeach()
endfunction()

# Compiles those sources of a target together whose path matches, at most `size` at a time: most of their time goes into
# the same headers. What matches no call is compiled by itself.
function(voiceworks_join target name size pattern)
  if(NOT TARGET ${target})
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  get_target_property(sources ${target} SOURCES)
  get_target_property(base ${target} SOURCE_DIR)
  set(count 0)
  foreach(source ${sources})
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY "${base}")
    cmake_path(RELATIVE_PATH source BASE_DIRECTORY "${base}" OUTPUT_VARIABLE path)
    if(path MATCHES "^(${pattern})\\.cpp$")
      math(EXPR group "${count} / ${size}")
      math(EXPR count "${count} + 1")
      set_source_files_properties("${source}" TARGET_DIRECTORY ${target}
        PROPERTIES UNITY_GROUP ${name}${group} SKIP_UNITY_BUILD_INCLUSION OFF)
    endif()
  endforeach()
endfunction()

function(voiceworks_lighten)
  # What builds graphs, reads JSON and templates takes little of a run; what looks at pictures is never called here.
  voiceworks_optimize(1 llama llama-common llama-common-base server-context)
  voiceworks_optimize(0 cpp-httplib llama-server-impl mtmd)

  # kv-cache-dsv4 and glm5-next define names that others define, too.
  voiceworks_join(llama models 26 "models/([^g]|g[^l]|glm[^5]).*")
  voiceworks_join(llama memory 99 "llama-memory.*|llama-kv-cache(-[^-]+[^4])?(-iswa)?")
  voiceworks_join(llama graph 99 "llama-(adapter|arch|batch|chat|context|cparams|graph|hparams|impl|io)")
  voiceworks_join(llama files 99 "llama|llama-(mmap|model-loader|model-saver|quant)")
  voiceworks_join(llama text 99 "llama-(grammar|sampler|vocab)|unicode")
  voiceworks_join(llama-common parsers 99 "parsers/.*")
  voiceworks_join(llama-common jinja 99 "jinja/.*")
  voiceworks_join(llama-common chat 99 "chat.*|peg-parser")
  voiceworks_join(llama-common schema 99 "json-schema.*")
  voiceworks_join(llama-common sampling 99 "common|sampling|speculative|ngram.*|reasoning-budget|fit|debug|imatrix.*")
  voiceworks_join(llama-common rest 99 "console|download|hf-cache|llguidance|log|preset|subproc|trie|unicode")
  voiceworks_join(server-context tasks 99 "server-(chat|common|queue|schema|task|tools)")
  voiceworks_join(server-context context 99 "server-(context|mcp|stream)")
  voiceworks_join(llama-server-impl server 99 "server.*")
  voiceworks_join(mtmd models 23 "models/.*")
  voiceworks_join(mtmd core 99 "clip|mtmd|mtmd-(audio|image)")
endfunction()

# When all targets are known.
cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR} CALL voiceworks_lighten)
