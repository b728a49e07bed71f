#pragma once

// SHA-256 (FIPS 180-4). Pure; tested on the host.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace halfcell::userland {

class Sha256 {
  public:
    using Digest = std::array<std::uint8_t, 32>;

    void update(std::span<const std::byte> data);
    // The digest of all data so far. Call once, at the end.
    Digest finish();

  private:
    void compress(const std::byte* blocks, std::size_t count);

    std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                           0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<std::byte, 64> pending_{};
    std::size_t pending_size_ = 0;
    std::uint64_t total_ = 0;
};

std::string hex_digest(const Sha256::Digest& digest);

}  // namespace halfcell::userland
