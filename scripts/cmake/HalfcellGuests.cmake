# How guest programs are built: static ELFs for the Redox ABI, on the runtime in userland/rt and the abi/ headers alone.
#
# Guests are the same in every preset: sanitizers instrument the supervisor only. So a build that is given
# HALFCELL_GUESTS_FROM, the build directory of another preset, has them built there and uses them.
set(HALFCELL_GUESTS_FROM "" CACHE PATH "A build directory whose guest programs are used instead of building them here")

# Every guest program; what a borrowing build asks of the other one.
add_custom_target(halfcell_guests)

if(HALFCELL_GUESTS_FROM)
    if(NOT EXISTS ${HALFCELL_GUESTS_FROM}/build.ninja)
        message(FATAL_ERROR "The guest programs come from ${HALFCELL_GUESTS_FROM}, which is not configured: "
            "cmake --preset release")
    endif()
    # The drivers look for guests below their build directory.
    foreach(folder bin elf)
        set(link ${CMAKE_BINARY_DIR}/userland/${folder})
        if(IS_DIRECTORY ${link} AND NOT IS_SYMLINK ${link})
            file(REMOVE_RECURSE ${link})
        endif()
        file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/userland)
        file(CREATE_LINK ${HALFCELL_GUESTS_FROM}/userland/${folder} ${link} SYMBOLIC)
    endforeach()
endif()

# Options of guest code. The host's own options (position independence, sanitizers) must not reach it.
function(halfcell_guest_options name)
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
    target_compile_options(${name} PRIVATE
        -O2 -g0 -ffreestanding -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-stack-protector
        -fcf-protection=none -fno-asynchronous-unwind-tables -fno-unwind-tables -ffunction-sections -fdata-sections
        -fvisibility=hidden
        # Nothing of libstdc++ is linked: what its headers declare extern is instantiated here.
        -D_GLIBCXX_EXTERN_TEMPLATE=0 -U_FORTIFY_SOURCE -U_GLIBCXX_ASSERTIONS
        -Wall -Wextra -Wpedantic -Wshadow -Werror)
endfunction()

# The target for the program NAME: bin/NAME of the build directory, a copy of what the linker writes, elf/TARGET.elf,
# because CMake's own target "test" forbids an output of that name. Further arguments: its sources, then
# COMPILE options, LINK options, and its LIBRARIES, if any. DEBUGGABLE: optimized as far as a debugger likes it, and not stripped.
function(halfcell_guest_executable target name)
    cmake_parse_arguments(ARG "DEBUGGABLE" "" "COMPILE;LINK;LIBRARIES" ${ARGN})
    set(strip -Wl,-s)
    if(ARG_DEBUGGABLE)
        set(strip "")
        list(APPEND ARG_COMPILE -Og -g -fasynchronous-unwind-tables -fno-omit-frame-pointer)
    endif()
    set_property(GLOBAL APPEND PROPERTY HALFCELL_GUEST_FILES ${CMAKE_BINARY_DIR}/userland/elf/${target}.elf)
    if(HALFCELL_GUESTS_FROM)
        add_executable(${target} IMPORTED GLOBAL)
        set_target_properties(${target} PROPERTIES
            IMPORTED_LOCATION ${CMAKE_BINARY_DIR}/userland/elf/${target}.elf)
        add_dependencies(${target} halfcell_borrowed_guests)
        return()
    endif()
    add_executable(${target} ${ARG_UNPARSED_ARGUMENTS})
    halfcell_guest_options(${target})
    target_compile_options(${target} PRIVATE ${ARG_COMPILE})
    target_link_options(${target} PRIVATE
        -nostdlib ${ARG_LINK} -Wl,--gc-sections ${strip} -Wl,--build-id=none -Wl,-z,max-page-size=4096
        -Wl,-z,noseparate-code -Wl,-z,norelro -Wl,-z,noexecstack)
    target_link_libraries(${target} PRIVATE ${ARG_LIBRARIES})
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF SUFFIX .elf
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/userland/elf)
    add_custom_command(TARGET ${target} POST_BUILD
        COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/userland/bin
        COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_FILE:${target}> "${CMAKE_BINARY_DIR}/userland/bin/${name}")
    add_dependencies(halfcell_guests ${target})
endfunction()

# halfcell_guest_program(TARGET NAME sources… [LIBRARIES more than the runtime] [LINK options] [DEBUGGABLE]): the static
# program NAME at 0x400000.
function(halfcell_guest_program target name)
    cmake_parse_arguments(ARG "" "" "LINK;LIBRARIES" ${ARGN})
    halfcell_guest_executable(${target} "${name}" ${ARG_UNPARSED_ARGUMENTS}
        LIBRARIES ${ARG_LIBRARIES} halfcell_guest_runtime
        COMPILE -fno-pic -fno-pie
        LINK ${ARG_LINK} -static $<$<CXX_COMPILER_ID:GNU>:-no-pie> -Wl,-Ttext-segment=0x400000)
endfunction()

# halfcell_guest_library(NAME sources…): what several of these programs have in common.
function(halfcell_guest_library name)
    if(HALFCELL_GUESTS_FROM)
        return()
    endif()
    add_library(${name} STATIC ${ARGN})
    halfcell_guest_options(${name})
    target_compile_options(${name} PRIVATE -fno-pic -fno-pie)
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_link_libraries(${name} PUBLIC halfcell_guest_runtime)
endfunction()

# halfcell_guest(NAME sources…): a static program as well; the target is guest_NAME.
function(halfcell_guest name)
    halfcell_guest_program(guest_${name} ${name} ${ARGN})
endfunction()

# halfcell_guest_pie(NAME sources… [DEBUGGABLE]): the same as a static-PIE.
function(halfcell_guest_pie name)
    halfcell_guest_executable(guest_${name} ${name} ${ARGN} LIBRARIES halfcell_guest_runtime_pie
        COMPILE -fpie
        LINK -static-pie -Wl,--no-dynamic-linker)
endfunction()

# Called once, after the last guest: where they come from, if not from here.
function(halfcell_borrow_guests)
    if(HALFCELL_GUESTS_FROM)
        get_property(files GLOBAL PROPERTY HALFCELL_GUEST_FILES)
        add_custom_target(halfcell_borrowed_guests
            COMMAND ${CMAKE_COMMAND} --build ${HALFCELL_GUESTS_FROM} --target halfcell_guests
            BYPRODUCTS ${files} USES_TERMINAL)
    endif()
endfunction()
