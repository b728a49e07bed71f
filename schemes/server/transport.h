#pragma once

// How requests reach a server and answers leave it: the scheme socket of a guest, or the rings of a Linux
// process. Used by one thread.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "abi/scheme_msg.h"
#include "schemes/server/descriptor.h"
#include "schemes/server/pages.h"
#include "userland/rt/result.h"

namespace halfcell::server {

class Transport {
  public:
    virtual ~Transport() = default;

    // Waits for requests and fills the front of `to` with them; their number. An error: there will be none.
    virtual userland::Result<std::size_t> receive(std::span<abi::Sqe> to) = 0;
    // Hands completions over, in order.
    virtual void complete(std::span<const abi::Cqe> completions) = 0;

    // The buffer that a request names; nothing where it names none that can be.
    [[nodiscard]] virtual std::optional<std::span<std::byte>> buffer(std::uint64_t address,
                                                                     std::uint64_t size) = 0;

    // The descriptors sent with a request, all of them.
    virtual userland::Result<std::vector<Descriptor>> obtain(std::uint32_t tag, std::uint64_t count) = 0;
    // Attaches descriptors to a request that asked for some.
    virtual userland::Result<void> attach(std::uint32_t tag, std::vector<Descriptor> descriptors) = 0;
    // Prepares to answer a request with a descriptor; the result word of that answer.
    virtual userland::Result<std::uint64_t> give(std::uint32_t tag, Descriptor descriptor) = 0;
    // Prepares to answer a request with pages to map; the answer.
    struct Shown {
        abi::CqeOpcode opcode{};
        std::uint64_t result = 0;
    };
    virtual userland::Result<Shown> show(std::uint32_t tag, const Pages& pages, std::uint64_t offset) = 0;
};

}  // namespace halfcell::server
