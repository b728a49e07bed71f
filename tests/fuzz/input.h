#pragma once

// How a target makes choices out of its input.

#include <array>
#include <cstddef>
#include <cstdint>

namespace halfcell::fuzz {

// The bytes of an input, one after the other; zeros when they are used up.
class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size) : at_(data), left_(size) {}
    [[nodiscard]] bool empty() const { return left_ == 0; }
    // Neighbours are spread apart and small values made common ones: inputs are full of them.
    std::uint8_t byte() {
        if (left_ == 0) return 0;
        --left_;
        return static_cast<std::uint8_t>(*at_++ * 167 + left_ * 59);
    }
    bool chance(int percent) { return byte() * 100 < percent * 256; }
    std::uint64_t word() {
        std::uint64_t word = 0;
        for (int i = 0; i < 8; ++i)
            word = word << 8 | byte();
        return word;
    }
    template <typename T, std::size_t size>
    const T& one_of(const T (&list)[size]) {
        return list[byte() % size];
    }

  private:
    const std::uint8_t* at_;
    std::size_t left_;
};

// Many choices out of four bytes of an input, for what a target does over and over at one choice.
class Burst {
  public:
    explicit Burst(Input& from) {
        std::uint32_t state = 1;
        for (int i = 0; i < 4; ++i)
            state = state << 8 ^ from.byte() ^ state >> 24;
        for (std::uint8_t& byte : bytes_) {
            state = state * 1664525U + 1013904223U;
            byte = static_cast<std::uint8_t>(state >> 24);
        }
    }
    [[nodiscard]] Input input() const { return {bytes_.data(), bytes_.size()}; }

  private:
    std::array<std::uint8_t, 2048> bytes_{};
};

}  // namespace halfcell::fuzz
