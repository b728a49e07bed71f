# Language level, warnings and sanitizers, for every target of the project.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(HALFCELL_UNITY
    "Compile the files of a folder as one, and precompile headers: the first build is shorter, the next ones longer")
set(HALFCELL_SANITIZE "" CACHE STRING "Sanitizers for the supervisor and its tests, e.g. address,undefined")
set(HALFCELL_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror
    # Designated initializers leave out on purpose what has a good default.
    -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # With -O2 GCC 12 takes the unused half of an expected or optional for uninitialized; Clang and the
    # sanitizers see the real cases.
    list(APPEND HALFCELL_WARNINGS -Wno-maybe-uninitialized)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
    # Without these, ccache does not store what was compiled with precompiled headers.
    set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
endif()
find_package(Threads REQUIRED)
