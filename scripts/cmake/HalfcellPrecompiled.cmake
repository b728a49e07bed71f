# With HALFCELL_UNITY, the headers that most files of a kind include are read once a build, not once a file. A file
# includes what it uses all the same: the debug preset has none of this.
set(HALFCELL_PRECOMPILED_libraries
    <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint> <cstring> <deque> <functional> <map> <memory>
    <mutex> <optional> <span> <string> <string_view> <thread> <utility> <variant> <vector>)
set(HALFCELL_PRECOMPILED_programs ${HALFCELL_PRECOMPILED_libraries})
set(HALFCELL_PRECOMPILED_unit_tests ${HALFCELL_PRECOMPILED_libraries} <doctest/doctest.h>)

# halfcell_precompile(TARGET KIND): the first target of a KIND makes the file; the others use it, and must have the
# same compile options.
function(halfcell_precompile name kind)
    if(NOT HALFCELL_UNITY)
        return()
    endif()
    get_property(maker GLOBAL PROPERTY HALFCELL_PRECOMPILES_${kind})
    if(maker)
        target_precompile_headers(${name} REUSE_FROM ${maker})
    else()
        target_precompile_headers(${name} PRIVATE ${HALFCELL_PRECOMPILED_${kind}})
        set_property(GLOBAL PROPERTY HALFCELL_PRECOMPILES_${kind} ${name})
    endif()
endfunction()
