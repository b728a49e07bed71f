#pragma once

// A transport whose requests a test hands over itself, and whose completions it looks at.

#include <cstring>
#include <deque>
#include <string>

#include "abi/flags.h"
#include "schemes/server/transport.h"

namespace halfcell::server {

class FakeTransport final : public Transport {
  public:
    userland::Result<std::size_t> receive(std::span<abi::Sqe> to) override {
        if (queue.empty()) return abi::Errno::kENODEV;
        to[0] = queue.front();
        queue.pop_front();
        return 1;
    }
    void complete(std::span<const abi::Cqe> some) override {
        completions.insert(completions.end(), some.begin(), some.end());
    }
    // Addresses are offsets in `memory`.
    std::optional<std::span<std::byte>> buffer(std::uint64_t address, std::uint64_t size) override {
        if (address > memory.size() || size > memory.size() - address) return std::nullopt;
        return std::as_writable_bytes(std::span(memory)).subspan(address, size);
    }
    userland::Result<std::vector<Descriptor>> obtain(std::uint32_t, std::uint64_t count) override {
        if (count != sent) return abi::Errno::kEINVAL;
        return std::vector<Descriptor>(count);
    }
    userland::Result<void> attach(std::uint32_t, std::vector<Descriptor> descriptors) override {
        attached += descriptors.size();
        return {};
    }
    userland::Result<std::uint64_t> give(std::uint32_t, Descriptor descriptor) override {
        return descriptor.release();
    }
    userland::Result<Shown> show(std::uint32_t, const Pages&, std::uint64_t offset) override {
        return Shown{abi::CqeOpcode::kRespondRegular, offset};
    }

    // The only completion since the last time.
    abi::Cqe take_only() {
        const abi::Cqe only = completions.size() == 1 ? completions.front() : abi::Cqe{.flags = 0xff};
        completions.clear();
        return only;
    }

    std::string memory = std::string(1000, '\0');
    std::deque<abi::Sqe> queue;
    std::vector<abi::Cqe> completions;
    std::size_t sent = 0;
    std::size_t attached = 0;
};

}  // namespace halfcell::server
