#pragma once

// A scheme of files in memory, served by this program with the protocol alone: what a guest's server is.
// Some names misbehave on purpose.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "abi/scheme_msg.h"
#include "userland/rt/syscall.h"

namespace halfcell::userland {

class RamScheme {
  public:
    // Creates the scheme, and registers it as /scheme/NAME. EACCES, EEXIST…
    Result<void> create(std::string_view name);
    // Serves until the file "exit" is opened, which is not answered; then the process is to end.
    Result<void> serve();

  private:
    struct File {
        std::string name;
        std::byte* bytes = nullptr;  // kCapacity, page-aligned, so that they can be mapped
        std::uint64_t size = 0;
        bool removed = false;
    };
    struct Handle {
        std::size_t file = 0;
        bool open = false;
        std::vector<Fd> kept;  // sent to it
    };
    static constexpr std::uint64_t kCapacity = std::uint64_t{2} << 20;
    static constexpr std::uint64_t kRoot = 0;
    // Numbers that this program names for what it obtains: as many, from as many on.
    static constexpr std::uint64_t kNamedPlaces = 1000;

    bool handle(const abi::Sqe& sqe);
    void lie(std::uint32_t tag);
    Result<std::uint64_t> open(const abi::Sqe& sqe);
    Result<std::uint64_t> transfer(const abi::Sqe& sqe);
    Result<std::uint64_t> list(const abi::Sqe& sqe);
    void close(std::uint64_t id);
    Result<Fd> obtain_first(std::uint32_t tag, bool named);
    Result<std::uint64_t> take_one_by_one(const abi::Sqe& sqe);
    Result<std::uint64_t> take_descriptors(const abi::Sqe& sqe);
    Result<void> give_descriptors(const abi::Sqe& sqe);
    Result<std::uint64_t> remove(std::string_view path);
    Result<std::uint64_t> answer_of(const abi::Sqe& sqe);

    File* file_of(std::uint64_t id);
    void answer(std::uint32_t tag, const Result<std::uint64_t>& result, std::uint8_t extra = 0);
    void complete(const abi::Cqe& cqe);

    UniqueFd socket_;
    UniqueFd root_;
    std::vector<File> files_;
    std::vector<Handle> handles_;  // by id; 0 is the root
    std::uint64_t next_place_ = 0;
    std::vector<std::uint32_t> cancellable_;  // tags that wait for a Cancel
    std::vector<std::uint32_t> silent_;       // tags that wait for an open of "late"
    std::size_t silent_opens_ = 0;            // ever
};

}  // namespace halfcell::userland
