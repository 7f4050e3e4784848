# Saves a third of the time that llama.cpp takes to compile: 16.5 minutes of one core became 11 (0.3.36, GCC 12). CMake
# reads this after llama.cpp's own project(), by CMAKE_PROJECT_INCLUDE. What computes (ggml) keeps its -O3; what reads options, JSON and templates need not be fast, and
# what looks at pictures is never called here.

if(NOT PROJECT_NAME STREQUAL "llama.cpp" OR MSVC)
  return()
endif()

# Compiles the sources below `folder` several at a time: most of their time goes into the same headers.
function(voiceworks_join target folder)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  get_target_property(sources ${target} SOURCES)
  get_target_property(base ${target} SOURCE_DIR)
  foreach(source ${sources})
    if(NOT source MATCHES "^${folder}/")
      set_property(SOURCE "${base}/${source}" TARGET_DIRECTORY ${target} PROPERTY SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endforeach()
endfunction()

function(voiceworks_lighten)
  # The last -O of a command line holds.
  foreach(target llama-common llama-common-base cpp-httplib server-context llama-server-impl)
    if(TARGET ${target})
      target_compile_options(${target} PRIVATE -O1)
    endif()
  endforeach()
  if(TARGET llama)
    target_compile_options(llama PRIVATE -O2)
  endif()
  if(TARGET llama-common)
    voiceworks_join(llama-common parsers)
  endif()
  if(TARGET mtmd)
    target_compile_options(mtmd PRIVATE -O0)
    voiceworks_join(mtmd models)
  endif()
endfunction()

# When all targets are known.
cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR} CALL voiceworks_lighten)
