// false: does nothing, unsuccessfully.

#include "userland/lib/tool.h"

namespace halfcell::userland {

int main_program(std::span<const std::string_view> arguments) {
    static constexpr Usage kUsage{"false", "[IGNORED]...", "Does nothing and fails.", {}};
    if (arguments.size() == 1 && arguments[0] == "--help") out().write(help_text(kUsage));
    return 1;
}

}  // namespace halfcell::userland
