// Many threads at the same sockets: nothing is lost, doubled, or waited for in vain.

#include <atomic>

#include "schemes/ipc/uds_dgram_scheme.h"
#include "schemes/ipc/uds_stream_scheme.h"
#include "tests/unit/schemes/ipc/ipc_fixture.h"

using namespace halfcell;
using namespace halfcell::test;

namespace {

// A thread of a guest, which calls as itself.
struct Actor {
    explicit Actor(IpcFixture& the_fixture) : fixture(the_fixture) {}

    Result<std::uint64_t> write(const DescriptionRef& file, std::string_view text) {
        return fixture.tested.write_at(caller, file->number(), mem::UserIn::local(text), scheme::kNoOffset,
                                       {});
    }
    std::string read(const DescriptionRef& file, std::size_t size) {
        std::string text(size, '\0');
        const auto count = fixture.tested.read_at(
            caller, file->number(), mem::UserOut::local(std::as_writable_bytes(std::span(text))),
            scheme::kNoOffset, {});
        REQUIRE(count.has_value());
        text.resize(*count);
        return text;
    }

    IpcFixture& fixture;
    wait::Waiter waiter;
    scheme::Caller caller{ContextId{9}, 9, 0, 0, waiter};
};

struct StreamFixture : IpcFixture {
    StreamFixture()
        : IpcFixture(std::make_shared<ipc::UdsStreamScheme>(&IpcFixture::real_ids,
                                                            std::make_shared<MemoryBudget>(kMemory))) {}
};
struct DgramFixture : IpcFixture {
    DgramFixture()
        : IpcFixture(std::make_shared<ipc::UdsDgramScheme>(&IpcFixture::real_ids,
                                                           std::make_shared<MemoryBudget>(kMemory))) {}
};

constexpr int kThreads = 4;

}  // namespace

TEST_CASE_FIXTURE(StreamFixture, "bytes of many writers reach many readers once") {
    constexpr std::size_t kPart = 100'000;
    constexpr int kRounds = 50;
    const DescriptionRef listener = socket();
    DescriptionRef left = *dup(listener, "connect");
    const DescriptionRef right = *dup(listener, "listen");
    std::array<std::atomic<std::uint64_t>, 256> seen{};
    std::vector<std::thread> readers;
    for (int i = 0; i < kThreads; ++i) {
        readers.emplace_back([&, i] {
            Actor self(*this);
            for (;;) {
                const std::string text = self.read(right, 1000 + 7000 * static_cast<std::size_t>(i));
                if (text.empty()) return;
                for (const char c : text)
                    seen[static_cast<unsigned char>(c)].fetch_add(1, std::memory_order_relaxed);
            }
        });
    }
    std::vector<std::thread> writers;
    for (int i = 0; i < kThreads; ++i) {
        writers.emplace_back([&, i] {
            Actor self(*this);
            const std::string part(kPart, static_cast<char>('a' + i));
            for (int round = 0; round < kRounds; ++round)
                CHECK(*self.write(left, part) == kPart);
        });
    }
    for (auto& writer : writers)
        writer.join();
    CHECK(error_of(left.close()) == "ok");
    for (auto& reader : readers)
        reader.join();
    for (int i = 0; i < kThreads; ++i)
        CHECK(seen[static_cast<unsigned char>('a' + i)] == kPart * kRounds);
}

TEST_CASE_FIXTURE(StreamFixture, "everybody who connects is accepted once, or refused") {
    constexpr int kClients = 200;
    DescriptionRef listener = socket();
    CHECK(*call(listener, SocketCall::kBind, "tmp/s") == 0);
    const std::string token = token_of(listener);
    std::atomic<int> connected = 0;
    std::atomic<int> refused = 0;
    std::vector<std::thread> clients;
    for (int i = 0; i < kThreads; ++i) {
        clients.emplace_back([&] {
            Actor self(*this);
            for (int round = 0; round < kClients; ++round) {
                const DescriptionRef client = socket();
                std::string payload = token;
                const auto result = call_as(self.caller, client, SocketCall::kConnect, payload);
                if (result) {
                    ++connected;
                    CHECK(self.read(client, 1) == "!");
                } else {
                    CHECK(result.error() == Errno::kECONNREFUSED);
                    ++refused;
                }
            }
        });
    }
    Actor server(*this);
    constexpr int kAccepted = kThreads * kClients * 3 / 4;
    for (int i = 0; i < kAccepted; ++i) {
        const DescriptionRef accepted = *dup_as(server.caller, listener, "listen");
        // A client that has read its byte may be gone already.
        CHECK(*server.write(accepted, "!") == 1);
    }
    CHECK(error_of(listener.close()) == "ok");
    for (auto& client : clients)
        client.join();
    CHECK(connected == kAccepted);
    CHECK(connected + refused == kThreads * kClients);
}

TEST_CASE_FIXTURE(DgramFixture, "messages of many senders reach many receivers whole") {
    constexpr int kRounds = 500;
    const DescriptionRef left = socket();
    const DescriptionRef right = *dup(left, "connect");
    std::atomic<std::uint64_t> sum = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&] {
            Actor self(*this);
            for (int round = 0; round < kRounds; ++round) {
                const std::string message = self.read(right, 65536);
                CHECK(message == std::string(message.size(), message.empty() ? ' ' : message[0]));
                sum += message.size();
            }
        });
        threads.emplace_back([&, i] {
            Actor self(*this);
            for (int round = 1; round <= kRounds; ++round) {
                const auto size = static_cast<std::size_t>(round * 40);
                CHECK(*self.write(left, std::string(size, static_cast<char>('a' + i))) == size);
            }
        });
    }
    for (auto& thread : threads)
        thread.join();
    CHECK(sum == std::uint64_t{kThreads} * 40 * kRounds * (kRounds + 1) / 2);
}
