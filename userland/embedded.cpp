#include "userland/embedded.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace halfcell::userland {
namespace {

// A row of the table in embedded_programs.S.
struct Row {
    const char* name;
    std::uint64_t name_size;
    const std::byte* image;
    std::uint64_t image_size;
};

extern "C" {
extern const Row halfcell_embedded_table[];
extern const std::uint64_t halfcell_embedded_count;
}

std::vector<EmbeddedProgram> read_table() {
    std::vector<EmbeddedProgram> programs;
    for (const Row& row : std::span(halfcell_embedded_table, halfcell_embedded_count)) {
        programs.push_back({{row.name, row.name_size}, {row.image, row.image_size}});
    }
    std::sort(programs.begin(), programs.end(),
              [](const EmbeddedProgram& a, const EmbeddedProgram& b) { return a.name < b.name; });
    return programs;
}

}  // namespace

std::span<const EmbeddedProgram> embedded_programs() {
    static const std::vector<EmbeddedProgram> kPrograms = read_table();
    return kPrograms;
}

}  // namespace halfcell::userland
