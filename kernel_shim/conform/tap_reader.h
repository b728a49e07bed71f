#pragma once

// Reads the Test Anything Protocol, version 14, as far as the guest program `conform` speaks it: test lines,
// SKIP, and YAML blocks of plain and double-quoted scalars.

#include <optional>
#include <string>
#include <string_view>

namespace halfcell::conform {

enum class Verdict { kPass, kFail, kSkip };

struct TapTest {
    std::string name;
    Verdict result = Verdict::kPass;
    std::string deviation;  // of its YAML block; empty where there is none
    std::string detail;     // why it was skipped, or what failed
};

class TapReader {
  public:
    // Takes one line without its end. A test, once its YAML block has ended; other lines, a kernel's log in
    // between for one, are passed over. Pure.
    [[nodiscard]] std::optional<TapTest> line(std::string_view text);

  private:
    void key(std::string_view text);

    std::optional<TapTest> open_;
};

}  // namespace halfcell::conform
