#pragma once

// One owner per host file descriptor. No conversion to int or bool: a descriptor is never mistaken for a
// count.

#include <unistd.h>

#include <utility>

namespace halfcell::host {

class UniqueFd {
  public:
    UniqueFd() = default;
    explicit UniqueFd(int file) : file_(file) {}
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;
    UniqueFd(UniqueFd&& other) noexcept : file_(other.release()) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    ~UniqueFd() { reset(); }

    [[nodiscard]] bool is_open() const { return file_ >= 0; }
    // The number, still owned by this object; -1 when there is none.
    [[nodiscard]] int get() const { return file_; }
    // Gives the descriptor up without closing it.
    [[nodiscard]] int release() { return std::exchange(file_, -1); }
    // Closes what is held and takes `file` over. close(2) errors carry nothing the owner could act on.
    void reset(int file = -1) {
        if (file_ >= 0) ::close(file_);
        file_ = file;
    }

  private:
    int file_ = -1;
};

}  // namespace halfcell::host
