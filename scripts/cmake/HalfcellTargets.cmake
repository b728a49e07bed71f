# halfcell_library(NAME SOURCES... HEADERS... LINKS...)
#
# One folder, one target. LINKS is the list of permitted dependencies of the folder: what is not listed
# there may not be included (scripts/check compares the two). HEADERS must each compile alone: a source shows that
# for the header of its name, which it includes first (scripts/check looks), and the build of
# all_verify_interface_header_sets for the others.
function(halfcell_library name)
    cmake_parse_arguments(ARG "" "" "SOURCES;HEADERS;LINKS" ${ARGN})
    add_library(${name} STATIC ${ARG_SOURCES})
    set(with_source ${ARG_HEADERS})
    list(TRANSFORM ARG_SOURCES REPLACE "\\.cpp$" ".h" OUTPUT_VARIABLE headers_of_sources)
    list(REMOVE_ITEM ARG_HEADERS ${headers_of_sources})
    list(REMOVE_ITEM with_source ${ARG_HEADERS})
    target_sources(${name} PUBLIC
        FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR} FILES ${with_source}
        FILE_SET to_verify TYPE HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR} FILES ${ARG_HEADERS})
    set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX VERIFY_INTERFACE_HEADER_SETS ON
        INTERFACE_HEADER_SETS_TO_VERIFY to_verify)
    if(HALFCELL_UNITY)
        # The headers are read once a folder, not once a file: who builds once waits half as long.
        set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 16)
    endif()
    target_link_libraries(${name} PUBLIC ${ARG_LINKS})
    halfcell_options(${name})
    halfcell_precompile(${name} libraries)
endfunction()

# Warnings and sanitizers for a target that runs on the host (never for guest programs).
function(halfcell_options name)
    target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${HALFCELL_WARNINGS}>)
    if(HALFCELL_SANITIZE)
        # Without recovery a finding of the undefined-behaviour sanitizer ends the program, as the others' do.
        target_compile_options(${name} PRIVATE
                               $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${HALFCELL_SANITIZE}>
                               $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize-recover=all>
                               $<$<COMPILE_LANGUAGE:CXX>:-fno-omit-frame-pointer>)
        target_link_options(${name} PUBLIC -fsanitize=${HALFCELL_SANITIZE})
    endif()
endfunction()
