# halfcell_library(NAME SOURCES... HEADERS... LINKS...)
#
# One folder, one target. LINKS is the list of permitted dependencies of the folder: what is not listed
# there may not be included (scripts/check compares the two). HEADERS must each compile alone.
function(halfcell_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;HEADERS;LINKS" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR} FILES ${ARG_HEADERS})
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX VERIFY_INTERFACE_HEADER_SETS ON)
    target_link_libraries(${name} PUBLIC ${ARG_LINKS})
    halfcell_options(${name})
endfunction()

# Warnings and sanitizers for a target that runs on the host (never for guest programs).
function(halfcell_options name)
    target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${HALFCELL_WARNINGS}>)
    if(HALFCELL_SANITIZE)
        target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${HALFCELL_SANITIZE}>
                               $<$<COMPILE_LANGUAGE:CXX>:-fno-omit-frame-pointer>)
        target_link_options(${name} PUBLIC -fsanitize=${HALFCELL_SANITIZE})
    endif()
endfunction()
