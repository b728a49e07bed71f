#pragma once

// A descriptor that travels through a scheme: what a client has sent, or what an open is answered with. In a
// guest it is a descriptor of the server's; in a Linux process a file of the host, or a token for something
// the supervisor keeps on the server's behalf.

#include <cstdint>
#include <utility>

namespace halfcell::server {

class Descriptor {
  public:
    Descriptor() = default;
    // Takes over a descriptor of this process: a guest's, or the host's.
    explicit Descriptor(std::uint64_t number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        if (this != &other) {
            close();
            number_ = other.release();
        }
        return *this;
    }
    ~Descriptor() { close(); }

    explicit operator bool() const { return number_ != kNone; }
    [[nodiscard]] std::uint64_t number() const { return number_; }
    // Gives it up without closing it.
    [[nodiscard]] std::uint64_t release() { return std::exchange(number_, kNone); }

    // In a Linux process: what clients have sent has this bit, and can be given away but not used.
    static constexpr std::uint64_t kToken = std::uint64_t{1} << 63;

  private:
    static constexpr std::uint64_t kNone = UINT64_MAX;
    void close() {
        if (number_ != kNone) close_number(release());
    }
    // One for each kind of program.
    static void close_number(std::uint64_t number);

    std::uint64_t number_ = kNone;
};

}  // namespace halfcell::server
