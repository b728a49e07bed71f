// The way of every request, and the operations on data and descriptors.

#include "kernel_shim/user_scheme/forwarding_scheme.h"

#include <algorithm>
#include <utility>

#include "abi/flags.h"

namespace halfcell::user_scheme {

using abi::Opcode;
using scheme::Caller;

namespace {

constexpr std::uint64_t kWord = sizeof(std::uint64_t);

}  // namespace

Result<Answer> ForwardingScheme::exchange(const Caller& caller, const Message& message, Loan& loan) {
    std::vector<scheme::DescriptionRef> nothing_sent;
    return channel_.call(caller, message, loan, nothing_sent);
}

Result<std::uint64_t> ForwardingScheme::ask(const Caller& caller, Opcode opcode,
                                            const std::array<std::uint64_t, 5>& args, Loan& loan) {
    const Message message{opcode,
                          {args[0], args[1], args[2], args[3], args[4], credentials(caller.uid, caller.gid)}};
    const Answer answer = TRY(exchange(caller, message, loan));
    return as_value(answer);
}

Result<std::uint64_t> ForwardingScheme::ask(const Caller& caller, Opcode opcode,
                                            const std::array<std::uint64_t, 5>& args) {
    Loan nothing;
    return ask(caller, opcode, args, nothing);
}

// A handle that the server has made for a caller who does not get it is closed, where upstream leaves it.
Result<scheme::OpenResult> ForwardingScheme::opened(Answer answer) {
    const bool made = answer.kind != Answer::Kind::kDescription && answer.value.has_value();
    const std::uint64_t number = made ? *answer.value : 0;
    auto result = as_opened(std::move(answer));
    if (!result && result.error() == Errno::kEINVAL && made) (void)close(HandleNumber{number});
    return result;
}

Result<scheme::OpenResult> ForwardingScheme::openat(const Caller& caller, HandleNumber base,
                                                    std::string_view path, std::uint64_t flags,
                                                    std::uint32_t fcntl_flags) {
    Loan loan = TRY(buffers_->lend_path(path));
    const Message message{
        Opcode::kOpenAt,
        {base.value(), loan.address(), loan.size(), flags, fcntl_flags, credentials(caller.uid, caller.gid)}};
    Answer answer = TRY(exchange(caller, message, loan));
    return opened(std::move(answer));
}

Result<scheme::OpenResult> ForwardingScheme::dup(const Caller& caller, HandleNumber number,
                                                 const mem::UserIn& name) {
    Loan loan = TRY(buffers_->lend(name));
    const Message message{
        Opcode::kDup,
        {number.value(), loan.address(), loan.size(), 0, 0, credentials(caller.uid, caller.gid)}};
    Answer answer = TRY(exchange(caller, message, loan));
    return opened(std::move(answer));
}

Result<std::uint64_t> ForwardingScheme::fill(const Caller& caller, Opcode opcode, HandleNumber number,
                                             const mem::UserOut& to, std::uint64_t argument3,
                                             std::uint64_t argument4, Filled filled) {
    Loan loan = TRY(buffers_->lend(to));
    const std::uint64_t value =
        TRY(ask(caller, opcode, {number.value(), loan.address(), loan.size(), argument3, argument4}, loan));
    // Upstream copies all of it back whatever was answered, and so puts zeros over what the server has left
    // alone (safer).
    TRY(loan.copy_back(filled == Filled::kAnswer ? value : loan.size()));
    return value;
}

Result<std::uint64_t> ForwardingScheme::read_at(const Caller& caller, HandleNumber number,
                                                const mem::UserOut& to, std::uint64_t offset,
                                                scheme::TransferFlags flags) {
    return fill(caller, Opcode::kRead, number, to, offset, flags.call, Filled::kAnswer);
}

Result<std::uint64_t> ForwardingScheme::write_at(const Caller& caller, HandleNumber number,
                                                 const mem::UserIn& from, std::uint64_t offset,
                                                 scheme::TransferFlags flags) {
    Loan loan = TRY(buffers_->lend(from));
    return ask(caller, Opcode::kWrite, {number.value(), loan.address(), loan.size(), offset, flags.call},
               loan);
}

Result<std::uint64_t> ForwardingScheme::transfer_late(const Caller& caller, Opcode opcode,
                                                      HandleNumber number, Loan&& loan, std::uint64_t offset,
                                                      scheme::TransferFlags flags, scheme::LateOffer& offer) {
    const Message message{opcode,
                          {number.value(), loan.address(), loan.size(), offset, flags.call,
                           credentials(caller.uid, caller.gid)}};
    TRY(channel_.call_late(caller, message, std::move(loan), Given::kAnswer, offer));
    return 0;
}

// The payload was copied in, so all of it can go back, with an error too.
Result<std::uint64_t> ForwardingScheme::call(const Caller& caller, HandleNumber number,
                                             const mem::UserInOut& payload, std::uint64_t,
                                             std::span<const std::uint64_t> metadata) {
    Loan loan = TRY(buffers_->lend(payload));
    Message message{Opcode::kCall, {number.value(), loan.address(), loan.size()}};
    std::copy_n(metadata.begin(), std::min<std::size_t>(metadata.size(), 3), message.args.begin() + 3);
    const Answer answer = TRY(exchange(caller, message, loan));
    TRY(loan.copy_back(loan.size()));
    return as_value(answer);
}

Result<std::uint64_t> ForwardingScheme::std_fs_call(const Caller& caller, HandleNumber number,
                                                    const mem::UserInOut& payload,
                                                    const abi::StdFsCallMeta& call,
                                                    scheme::DetachWish& detach) {
    Loan loan = TRY(buffers_->lend(payload));
    const Message message{Opcode::kStdFsCall,
                          {number.value(), loan.address(), loan.size(), call.kind, call.arg1, call.arg2}};
    const Answer answer = TRY(exchange(caller, message, loan));
    const Result<std::uint64_t> value = as_std_fs_value(answer, detach);
    TRY(loan.copy_back(loan.size()));
    return value;
}

Result<std::uint64_t> ForwardingScheme::fd_write(const Caller& caller, HandleNumber number,
                                                 std::vector<scheme::DescriptionRef>&& descriptions,
                                                 std::uint64_t flags, std::uint64_t argument,
                                                 std::span<const std::uint64_t>) {
    const std::uint64_t exclusive = (flags & abi::CallFlags::kFdExclusive) != 0 ? 1 : 0;
    const Message message{
        Opcode::kSendfd,
        {number.value(), exclusive, argument, descriptions.size(), 0, credentials(caller.uid, caller.gid)}};
    Loan nothing;
    const Answer answer = TRY(channel_.call(caller, message, nothing, descriptions));
    return as_value(answer);
}

Result<std::vector<scheme::DescriptionRef>> ForwardingScheme::fd_read(const Caller& caller,
                                                                      HandleNumber number, std::uint64_t room,
                                                                      std::uint64_t flags,
                                                                      std::span<const std::uint64_t>) {
    if (room % kWord != 0) return fail(Errno::kEINVAL);
    std::uint64_t wanted = 0;
    if ((flags & abi::CallFlags::kFdUpper) != 0) wanted |= abi::RecvFdFlags::kUpperTbl;
    if ((flags & abi::CallFlags::kFdCloexec) != 0) wanted |= abi::RecvFdFlags::kCloexec;
    const Message message{Opcode::kRecvfd,
                          {number.value(), wanted, room / kWord, 0, 0, credentials(caller.uid, caller.gid)}};
    Loan nothing;
    Answer answer = TRY(exchange(caller, message, nothing));
    auto received = TRY(as_descriptions(std::move(answer)));
    if (received.size() != room / kWord) return fail(Errno::kEINVAL);
    return received;
}

Result<void> ForwardingScheme::close(HandleNumber number) {
    channel_.tell({Opcode::kCloseMsg, {number.value()}}, 0);
    return {};
}

Result<void> ForwardingScheme::detach(HandleNumber number, std::uint32_t pid) {
    channel_.tell({Opcode::kDetach, {number.value()}}, pid);
    return {};
}

void ForwardingScheme::unregistered() {
    channel_.close();
    buffers_->close();
}

}  // namespace halfcell::user_scheme
