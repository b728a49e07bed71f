#include "tests/integration/guest/carriers.h"

#include <array>
#include <cstring>

#include "abi/socket_call.h"
#include "tests/integration/server/box_call.h"
#include "userland/rt/child.h"
#include "userland/rt/file.h"
#include "userland/rt/output.h"

namespace halfcell::userland {

namespace {

using abi::CallFlags;
using abi::OpenFlags;
using abi::SocketCall;

constexpr std::uint64_t kNew = OpenFlags::kRdwr | OpenFlags::kCreat | OpenFlags::kCloexec;

Result<std::uint64_t> move(Fd over, std::span<std::uint64_t> numbers, std::uint64_t flags) {
    return sys_call(over, std::as_writable_bytes(numbers), CallFlags::kFd | flags, {});
}

// What all have in common: an end to put in, an end to take out.
class TwoEnds : public Carrier {
  public:
    Result<std::uint64_t> put(std::span<std::uint64_t> numbers, std::uint64_t flags) override {
        return move(in(), numbers, CallFlags::kWrite | flags);
    }
    Result<std::uint64_t> take(std::span<std::uint64_t> numbers, std::uint64_t flags) override {
        return move(out(), numbers, CallFlags::kRead | flags);
    }
    Result<std::uint64_t> put_one(std::uint64_t number, std::uint64_t flags) override {
        return checked_syscall(abi::SYS_SENDFD, word(in()), number, flags, std::uint64_t{0});
    }

  protected:
    [[nodiscard]] virtual Fd in() const = 0;
    [[nodiscard]] virtual Fd out() const = 0;
};

class BoxCarrier final : public TwoEnds {
  public:
    explicit BoxCarrier(UniqueFd box) : box_(std::move(box)) {}
    Result<Fd> take_one() override { return sys_openat(box_.fd(), "one", OpenFlags::kRdwr); }
    bool refuse(Refusal refusal) override {
        const auto what =
            refusal == Refusal::kAll ? server::BoxCall::kRefuseAll : server::BoxCall::kRefuseHalf;
        const std::array<std::uint64_t, 3> words{static_cast<std::uint64_t>(what)};
        return static_cast<bool>(sys_call(box_.fd(), {}, 0, words));
    }
    [[nodiscard]] bool impatient() const override { return true; }

  private:
    [[nodiscard]] Fd in() const override { return box_.fd(); }
    [[nodiscard]] Fd out() const override { return box_.fd(); }
    UniqueFd box_;
};

// A server that speaks the protocol by itself, and obtains descriptors one after the other.
class RamCarrier final : public TwoEnds {
  public:
    explicit RamCarrier(UniqueFd file) : file_(std::move(file)) {}
    [[nodiscard]] bool impatient() const override { return true; }

  private:
    [[nodiscard]] Fd in() const override { return file_.fd(); }
    [[nodiscard]] Fd out() const override { return file_.fd(); }
    UniqueFd file_;
};

class PipeCarrier final : public TwoEnds {
  public:
    explicit PipeCarrier(Pipe pipe) : pipe_(std::move(pipe)) {}

  private:
    [[nodiscard]] Fd in() const override { return pipe_.writer.fd(); }
    [[nodiscard]] Fd out() const override { return pipe_.reader.fd(); }
    Pipe pipe_;
};

// SCM_RIGHTS as libc does it: the descriptors, then a message that tells how many they are; at the other end
// the message, then as many descriptors.
class SocketCarrier final : public TwoEnds {
  public:
    SocketCarrier(UniqueFd in, UniqueFd out) : in_(std::move(in)), out_(std::move(out)) {}

    Result<std::uint64_t> put(std::span<std::uint64_t> numbers, std::uint64_t flags) override {
        const std::uint64_t sent = RT_TRY(TwoEnds::put(numbers, flags));
        RT_TRY(tell(sent));
        return sent;
    }
    Result<std::uint64_t> put_one(std::uint64_t number, std::uint64_t flags) override {
        const std::uint64_t value = RT_TRY(TwoEnds::put_one(number, flags));
        RT_TRY(tell(1));
        return value;
    }
    Result<std::uint64_t> take(std::span<std::uint64_t> numbers, std::uint64_t flags) override {
        // Messages are read as they come; what they have told of waits until it is taken.
        while (told_ < numbers.size())
            told_ += RT_TRY(be_told());
        const auto taken = TwoEnds::take(numbers, flags);
        if (taken) told_ -= *taken;
        return taken;
    }
    Result<Fd> take_one() override {
        while (told_ == 0)
            told_ += RT_TRY(be_told());
        const Fd fd = RT_TRY(sys_dup(out_.fd(), "recvfd"));
        --told_;
        return fd;
    }

  private:
    struct Rights {
        std::uint64_t size = 1;
        char byte = 'r';
        char header[sizeof(abi::AncillaryHeader)];
        char count[sizeof(std::uint64_t)];
    } __attribute__((packed));

    Result<void> tell(std::uint64_t count) {
        Rights message;
        const abi::AncillaryHeader header{abi::SocketConstant::kSolSocket, abi::SocketConstant::kScmRights,
                                          sizeof count};
        std::memcpy(message.header, &header, sizeof header);
        std::memcpy(message.count, &count, sizeof count);
        const std::array words{static_cast<std::uint64_t>(SocketCall::kSendMsg), std::uint64_t{0}};
        RT_TRY(sys_call(in_.fd(), std::as_writable_bytes(std::span(&message, 1)), CallFlags::kWrite, words));
        return {};
    }
    Result<std::uint64_t> be_told() {
        std::array<std::byte, 64> message{};
        const abi::ReceiveHeader header{0, 1, sizeof(abi::AncillaryHeader) + sizeof(std::uint64_t)};
        std::memcpy(message.data(), &header, sizeof header);
        const std::array words{static_cast<std::uint64_t>(SocketCall::kRecvMsg), std::uint64_t{0}};
        const std::uint64_t size =
            RT_TRY(sys_call(out_.fd(), message, CallFlags::kRead | CallFlags::kWrite, words));
        // The lengths of name and payload, the payload, the header of what came along, and the number.
        std::uint64_t count = 0;
        if (size != 2 * sizeof(std::uint64_t) + 1 + sizeof(abi::AncillaryHeader) + sizeof count)
            return Errno::kEPROTO;
        std::memcpy(&count, message.data() + size - sizeof count, sizeof count);
        return count;
    }
    [[nodiscard]] Fd in() const override { return in_.fd(); }
    [[nodiscard]] Fd out() const override { return out_.fd(); }
    UniqueFd in_;
    UniqueFd out_;
    std::uint64_t told_ = 0;
};

// As libc's socketpair: of datagrams, the first socket is one of the two.
Result<std::unique_ptr<Carrier>> make_sockets(std::string_view kind) {
    UniqueFd socket = RT_TRY(open_file(concat("/scheme/uds_", kind), kNew));
    UniqueFd in(RT_TRY(sys_dup(socket.fd(), "connect")));
    if (kind == "stream") socket = UniqueFd(RT_TRY(sys_dup(socket.fd(), "listen")));
    return std::unique_ptr<Carrier>(std::make_unique<SocketCarrier>(std::move(in), std::move(socket)));
}

}  // namespace

Result<std::unique_ptr<Carrier>> make_carrier(std::string_view kind, std::string_view path) {
    if (kind == "stream" || kind == "dgram") return make_sockets(kind);
    if (kind == "pipe") return std::unique_ptr<Carrier>(std::make_unique<PipeCarrier>(RT_TRY(make_pipe())));
    if (kind == "ram")
        return std::unique_ptr<Carrier>(
            std::make_unique<RamCarrier>(RT_TRY(open_file(concat(path, "/one by one"), kNew))));
    if (kind == "box")
        return std::unique_ptr<Carrier>(
            std::make_unique<BoxCarrier>(RT_TRY(open_file(concat(path, "/box"), kNew))));
    return Errno::kEINVAL;
}

}  // namespace halfcell::userland
