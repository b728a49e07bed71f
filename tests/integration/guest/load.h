#pragma once

// Processes that want the CPUs while something else is measured: two compute, two make calls.

#include <cstdint>
#include <vector>

namespace halfcell::userland {

class Load {
  public:
    // Starts them. Ends the program with "FAIL: …" where that does not work, as what follows.
    Load();
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    // Kills them and waits for their ends.
    ~Load();

  private:
    template <typename Body>
    void start(Body body);

    std::vector<std::uint32_t> children_;
};

}  // namespace halfcell::userland
