// hostile_server: serves a scheme whose names say what it does to whoever opens them. "good" is a file with
// one line, and what every other name is compared with. Says on standard error that it has done it.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include "abi/error.h"
#include "abi/flags.h"
#include "tests/support/raw_server.h"

namespace {

using namespace halfcell;
using abi::CqeOpcode;
using abi::Opcode;
using host_server::RawServer;
using server::PacketKind;

constexpr std::string_view kLine = "good\n";

// Handles: what is done to their reads and mappings.
enum Handle : std::uint64_t { kGood = 1, kLong, kShort, kShrinking, kAddress };

class Hostile {
  public:
    explicit Hostile(RawServer& server) : server_(server) {}

    void serve() {
        for (;;) {
            const abi::Sqe sqe = server_.next(-1);
            leave_alone();
            switch (static_cast<Opcode>(sqe.opcode)) {
                case Opcode::kOpenAt:
                    open(sqe);
                    break;
                case Opcode::kRead:
                    read(sqe);
                    break;
                case Opcode::kMmapPrep:
                    map(sqe);
                    break;
                case Opcode::kFtruncate:
                    server_.answer(sqe.tag,
                                   ::ftruncate(shrinking_, 1) == 0 ? 0 : abi::mux_error(abi::Errno::kEIO));
                    break;
                case Opcode::kCloseMsg:
                case Opcode::kCancel:
                case Opcode::kDetach:
                    break;
                default:
                    server_.answer(sqe.tag, abi::mux_error(abi::Errno::kEOPNOTSUPP));
            }
            server_.ring();
        }
    }

  private:
    // Does something without end, until the next request.
    template <typename Act>
    void pester(Act act) {
        pestering_ = true;
        pest_ = std::thread([this, act] {
            while (pestering_.load())
                act();
        });
    }
    void leave_alone() {
        pestering_ = false;
        if (pest_.joinable()) pest_.join();
    }

    static void did(std::string_view what) {
        std::fprintf(stderr, "did %.*s\n", static_cast<int>(what.size()), what.data());
    }
    void opened(std::uint32_t tag, Handle handle) {
        server_.push({.flags = static_cast<std::uint8_t>(CqeOpcode::kRespondRegular),
                      .extra_raw = {static_cast<std::uint8_t>(abi::NewFdFlags::kPositioned)},
                      .tag = tag,
                      .result = handle});
    }

    void open(const abi::Sqe& sqe) {
        const std::string_view name(reinterpret_cast<const char*>(server_.buffers) + sqe.args[1],
                                    sqe.args[2]);
        did(name);
        if (name == "long") return opened(sqe.tag, kLong);
        if (name == "short") return opened(sqe.tag, kShort);
        if (name == "shrinking") return opened(sqe.tag, kShrinking);
        if (name == "address") return opened(sqe.tag, kAddress);
        if (name == "stall") return;
        // Neither are these.
        if (name == "storm") return pester([this] { server_.ring_bell(); });
        if (name == "flood")
            return pester([this] {
                if (server_.has_room()) server_.put({.tag = 4711});
                if (server_.requests->sleep.load() == server::Sleep::kOnBell) server_.ring_bell();
            });
        if (name == "crash") ::_exit(3);
        // These are not answered: the connection ends.
        if (name == "counter") return (void)server_.answers->produced.fetch_add(5000);
        if (name == "consumed") {
            server_.answers->requests_consumed.fetch_add(5000);
            // Nobody looks at that before the bell.
            while (server_.requests->sleep.load() == server::Sleep::kAwake)
                std::this_thread::yield();
            return;
        }
        if (name == "garbage") return server_.send({.kind = static_cast<PacketKind>(77)});
        if (name == "hangup") ::_exit(0);
        if (name == "nofd") return server_.push(CqeOpcode::kRespondWithFd, sqe.tag, server::kNextDescriptor);
        if (name == "token") return server_.push(CqeOpcode::kRespondWithFd, sqe.tag, server::kTokenBit | 5);
        if (name == "dirfd") {
            const int root = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            server_.send({.kind = PacketKind::kDescriptor, .tag = sqe.tag}, std::span(&root, 1));
            return server_.push(CqeOpcode::kRespondWithFd, sqe.tag, server::kNextDescriptor);
        }
        if (name == "stale")
            for (std::uint32_t tag = 0; tag < 200; ++tag)
                if (tag != sqe.tag) server_.answer(tag, kGood);
        opened(sqe.tag, kGood);
        if (name == "twice") server_.answer(sqe.tag, abi::mux_error(abi::Errno::kEPERM));
    }

    void read(const abi::Sqe& sqe) {
        if (sqe.args[0] == kLong) return server_.answer(sqe.tag, sqe.args[2] + 1000);
        const bool first = sqe.args[3] == 0 && sqe.args[2] >= kLine.size();
        if (first) std::memcpy(server_.buffers + sqe.args[1], kLine.data(), kLine.size());
        server_.answer(sqe.tag, first ? kLine.size() : 0);
    }

    void map(const abi::Sqe& sqe) {
        if (sqe.args[0] == kAddress) return server_.answer(sqe.tag, 0x10000);
        // A file that ends before the mapping does, if it is not the good one.
        const int file = ::memfd_create("short", MFD_CLOEXEC);
        const off_t size = sqe.args[0] == kShort ? 0 : static_cast<off_t>(sqe.args[1]);
        if (::ftruncate(file, size) != 0) ::_exit(4);
        server_.send({.kind = PacketKind::kDescriptor, .tag = sqe.tag}, std::span(&file, 1));
        server_.push(CqeOpcode::kRespondWithFd, sqe.tag, 0);
        if (sqe.args[0] == kShrinking)
            shrinking_ = file;
        else
            ::close(file);
    }

    RawServer& server_;
    int shrinking_ = -1;  // mapped by a guest
    std::atomic<bool> pestering_{false};
    std::thread pest_;
};

}  // namespace

int main() {
    const char* const rendezvous = std::getenv(server::kRendezvousVariable);
    if (rendezvous == nullptr) return 2;
    RawServer server = RawServer::accept(std::atoi(rendezvous), 0);
    Hostile(server).serve();
}
