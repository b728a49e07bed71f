// true: does nothing, successfully.

#include "userland/lib/tool.h"

namespace halfcell::userland {

int main_program(std::span<const std::string_view> arguments) {
    static constexpr Usage kUsage{"true", "[IGNORED]...", "Does nothing and succeeds.", {}};
    if (arguments.size() == 1 && arguments[0] == "--help") out().write(help_text(kUsage));
    return 0;
}

}  // namespace halfcell::userland
