// Calls that are answered late: by whoever brings what they wait for, or by nobody at all.

#include <atomic>
#include <thread>
#include <vector>

#include "abi/number.h"
#include "tests/unit/user_scheme/user_scheme_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using abi::Opcode;

namespace {

constexpr HandleNumber kHandle{42};
const std::uint64_t kNoAnswer = 0x6e6f6e65;

// What a guest's thread gets.
struct Register final : task::Answerer {
    void answer(std::uint32_t number, std::uint64_t value) override {
        CHECK(number == abi::SYS_READ);
        last = value;
        ++count;
    }
    std::atomic<std::uint64_t> last{kNoAnswer};
    std::atomic<int> count{0};
};

class Offer final : public scheme::LateOffer {
  public:
    Offer(const Party& party, scheme::DescriptionRef description)
        : party_(party), description_(std::move(description)) {}
    scheme::LateReply accept(const wait::Wait& wait, scheme::LateInterruption interruption) override {
        accepted = true;
        return party_.context->late_calls().begin({abi::SYS_READ, party_.space, description_}, wait,
                                                  interruption);
    }
    bool accepted = false;

  private:
    const Party& party_;
    const scheme::DescriptionRef description_;
};

struct LateFixture : UserSchemeFixture {
    LateFixture() {
        client.context->late_calls().answer_through(&in_client);
        server.context->late_calls().answer_through(&in_server);
        file = scheme::DescriptionRef::create(
            {.scheme = user, .scheme_id = user->id(), .number = kHandle, .positioned = true});
    }
    ~LateFixture() {
        client.context->late_calls().abandon();
        server.context->late_calls().abandon();
    }

    // The client reads into its buffer.
    void read() {
        Offer offer(client, file);
        CHECK(user->read_late(client.caller(), kHandle, client.out(0, 64), file->offset(), {}, offer));
        CHECK(offer.accepted);
    }
    // The server asks for a request, into its own first page.
    void serve(std::uint64_t size = 64) {
        Offer offer(server, file);
        CHECK(manager->read_late(server.caller(), socket, server.out(0, size), scheme::kNoOffset, {}, offer));
        CHECK(offer.accepted);
    }
    abi::Sqe served() {
        abi::Sqe sqe{};
        REQUIRE(server.space->read(server.buffer, std::as_writable_bytes(std::span(&sqe, 1))));
        return sqe;
    }

    Register in_client;
    Register in_server;
    scheme::DescriptionRef file;
};

}  // namespace

TEST_CASE_FIXTURE(LateFixture, "a late read is answered by whoever completes it") {
    read();
    CHECK(client.context->waiter().reason() == std::string("UserInner::call"));
    const abi::Sqe sqe = next();
    CHECK(sqe.opcode == static_cast<std::uint8_t>(Opcode::kRead));
    server.put(sqe.args[1], "answer");
    CHECK(in_client.count == 0);
    CHECK(answer(sqe.tag, 6) == 16);
    CHECK(in_client.count == 1);
    CHECK(in_client.last == 6);
    CHECK(client.text(client.buffer, 7) == std::string("answer\0", 7));
    CHECK(file->offset() == 6);
    CHECK(client.context->waiter().reason() == nullptr);
    CHECK(user->channel().in_use() == 0);
    CHECK(error_of(answer(sqe.tag, 6)) == "EBADFD");
}

TEST_CASE_FIXTURE(LateFixture, "an error of a late read leaves buffer and offset alone") {
    client.put(client.buffer, "untouched");
    read();
    const abi::Sqe sqe = next();
    server.put(sqe.args[1], "scribbles");
    CHECK(answer_error(sqe.tag, Errno::kEISDIR));
    CHECK(in_client.last == abi::mux_error(Errno::kEISDIR));
    CHECK(client.text(client.buffer, 9) == "untouched");
    CHECK(file->offset() == 0);
}

TEST_CASE_FIXTURE(LateFixture, "a server that waits for requests late gets the next one from its caller") {
    serve(130);
    CHECK(in_server.count == 0);
    read();
    CHECK(in_server.count == 1);
    CHECK(in_server.last == 64);
    CHECK(served().opcode == static_cast<std::uint8_t>(Opcode::kRead));
    CHECK_FALSE(queued());
}

TEST_CASE_FIXTURE(LateFixture, "a request that cannot be stored stays for the next reader") {
    {
        const scheme::DescriptionRef none = file;
        Offer offer(server, none);
        const auto nowhere = *mem::UserOut::create(*server.space, 0x7000000000, 64);
        CHECK(manager->read_late(server.caller(), socket, nowhere, scheme::kNoOffset, {}, offer));
    }
    read();
    CHECK(in_server.last == abi::mux_error(Errno::kEFAULT));
    CHECK(queued());
}

TEST_CASE_FIXTURE(LateFixture, "an interrupted late read is cancelled, once, and answered all the same") {
    read();
    const abi::Sqe sqe = next();
    CHECK(client.context->interrupt());
    const abi::Sqe cancel = next();
    CHECK(cancel.opcode == static_cast<std::uint8_t>(Opcode::kCancel));
    CHECK(cancel.tag == sqe.tag);
    client.context->interrupt();
    CHECK_FALSE(queued());
    CHECK(in_client.count == 0);
    CHECK(answer_error(sqe.tag, Errno::kECANCELED));
    CHECK(in_client.last == abi::mux_error(Errno::kEINTR));
    CHECK(in_client.count == 1);
}

TEST_CASE_FIXTURE(LateFixture, "an interrupted late reader of the socket takes nothing") {
    serve();
    CHECK(server.context->interrupt());
    CHECK(in_server.last == abi::mux_error(Errno::kEINTR));
    read();
    CHECK(in_server.count == 1);
    CHECK(queued());
    // A later one waits in its place.
    CHECK(answer(next().tag, 1) == 16);
    serve();
    read();
    CHECK(in_server.count == 2);
}

TEST_CASE_FIXTURE(LateFixture, "a stopped server takes nothing late") {
    serve();
    CHECK(server.context->stop());
    read();
    CHECK(in_server.count == 0);
    CHECK(queued());
    (void)server.context->unstop();
    CHECK(in_server.last == abi::mux_error(Errno::kEINTR));
    CHECK(queued());
}

TEST_CASE_FIXTURE(LateFixture, "a killed late caller leaves its loan until the server is done with it") {
    read();
    const abi::Sqe sqe = next();
    client.context->waiter().kill();
    CHECK(in_client.last == abi::mux_error(Errno::kEINTR));
    server.put(sqe.args[1], "too late");
    CHECK(user->channel().in_use() == 1);
    CHECK(answer(sqe.tag, 8) == 16);
    CHECK(user->channel().in_use() == 0);
    CHECK(in_client.count == 1);
    CHECK(client.text(client.buffer, 1) == std::string(1, '\0'));
}

TEST_CASE_FIXTURE(LateFixture, "late callers of a server that goes get ENODEV") {
    read();
    close_socket();
    CHECK(in_client.last == abi::mux_error(Errno::kENODEV));
    CHECK(user->channel().in_use() == 0);
    Offer offer(client, file);
    CHECK(error_of(user->read_late(client.caller(), kHandle, client.out(0, 64), 0, {}, offer)) == "ENODEV");
    CHECK_FALSE(offer.accepted);
}

TEST_CASE_FIXTURE(LateFixture, "a worker that gives up is not answered for, and can wait late again") {
    read();
    const abi::Sqe sqe = next();
    client.context->late_calls().abandon();
    CHECK(client.context->waiter().reason() == nullptr);
    CHECK(answer(sqe.tag, 3) == 16);
    CHECK(in_client.count == 0);
    read();
    CHECK(answer(next().tag, 3) == 16);
    CHECK(in_client.count == 1);
}

TEST_CASE_FIXTURE(LateFixture, "a signal that came just before a late wait is noticed") {
    client.context->waiter().set_interruption_check([] { return true; });
    read();
    client.context->waiter().break_if_due();
    const std::uint32_t tag = next().tag;
    CHECK(next().opcode == static_cast<std::uint8_t>(Opcode::kCancel));
    CHECK(answer_error(tag, Errno::kECANCELED));
    CHECK(in_client.last == abi::mux_error(Errno::kEINTR));
}

TEST_CASE_FIXTURE(LateFixture,
                  "an answer, an interruption and the end of a server race: one of them counts") {
    constexpr int kRounds = 500;
    for (int round = 1; round <= kRounds; ++round) {
        read();
        const std::uint32_t tag = next().tag;
        std::thread answers([&] { (void)answer(tag, 1); });
        std::thread interrupts([&] { client.context->interrupt(); });
        answers.join();
        interrupts.join();
        CHECK(in_client.count == round);
        CHECK(in_client.last == 1);
        while (queued())
            CHECK(next().opcode == static_cast<std::uint8_t>(Opcode::kCancel));
    }
    for (int round = 1; round <= kRounds; ++round) {
        serve();
        std::thread asks([&] { user->channel().post({Opcode::kFsync, {}}, 0); });
        std::thread interrupts([&] { server.context->interrupt(); });
        asks.join();
        interrupts.join();
        CHECK(in_server.count == round);
        if (in_server.last != 64) (void)next();
        CHECK_FALSE(queued());
    }
    read();
    std::thread answers([&] { (void)answer(next().tag, 1); });
    client.context->late_calls().abandon();
    const int count = in_client.count;
    answers.join();
    CHECK(in_client.count == count);
}

// What a late call keeps is closed when it is answered, which is a request to another server that waits late.
TEST_CASE_FIXTURE(LateFixture, "late-calls-nest: a chain of answers takes no stack") {
    constexpr int kLinks = 20000;
    std::vector<std::shared_ptr<user_scheme::UserScheme>> schemes;
    std::vector<std::shared_ptr<task::Context>> servers;
    for (int i = 0; i < kLinks; ++i) {
        schemes.push_back(std::make_shared<user_scheme::UserScheme>(pool, server.context));
        schemes.back()->channel().on_request([] {});
        REQUIRE(kernel.schemes.add(schemes.back()));
        servers.push_back(*kernel.contexts.create(server.space, server.files));
        servers.back()->late_calls().answer_through(&in_server);
    }
    struct Link final : scheme::LateOffer {
        scheme::LateReply accept(const wait::Wait& wait, scheme::LateInterruption interruption) override {
            return context->late_calls().begin({abi::SYS_READ, nullptr, std::move(kept)}, wait, interruption);
        }
        task::Context* context = nullptr;
        scheme::DescriptionRef kept;
    };
    for (int i = 0; i < kLinks; ++i) {
        Link link;
        link.context = servers[i].get();
        const auto& next_scheme = schemes[(i + 1) % kLinks];
        link.kept = scheme::DescriptionRef::create(
            {.scheme = next_scheme, .scheme_id = next_scheme->id(), .number = HandleNumber{5}});
        REQUIRE(schemes[i]->channel().read_late(server.out(0, 64), scheme::Wait::kYes, servers[i]->waiter(),
                                                link));
    }
    schemes[0]->channel().post({Opcode::kFsync, {}}, 0);
    CHECK(in_server.count == kLinks);
    for (const auto& scheme : schemes)
        kernel.schemes.remove(scheme->id());
    for (const auto& context : servers)
        kernel.contexts.remove(context->id());
}
