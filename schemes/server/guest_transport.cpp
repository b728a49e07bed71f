#include "schemes/server/guest_transport.h"

#include <algorithm>
#include <string>

#include "schemes/server/scheme.h"
#include "userland/rt/name_space.h"
#include "userland/rt/process.h"

namespace halfcell::server {

using abi::CallFlags;
using userland::Fd;
using userland::process;
using userland::UniqueFd;

namespace {

template <typename T>
std::string_view bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

// Retried where a signal came in between.
template <typename Call>
auto uninterrupted(Call call) {
    for (;;) {
        auto result = call();
        if (result || result.error() != Errno::kEINTR) return result;
    }
}

}  // namespace

Result<void> GuestTransport::create() {
    const UniqueFd capability(RT_TRY(
        sys_openat(process().name_space, "/scheme/namespace/scheme-creation-cap", abi::OpenFlags::kRdwr)));
    socket_ = UniqueFd(RT_TRY(sys_dup(capability.fd(), "create-scheme")));
    return {};
}

Result<void> GuestTransport::register_as(std::string_view name) {
    abi::NewFdParams params{};
    params.number = kRoot;
    params.flags = abi::OpenFlags::kRdwr;
    UniqueFd root(RT_TRY(sys_dup(socket_.fd(), bytes_of(params))));
    return userland::register_scheme(name, std::move(root));
}

Result<std::size_t> GuestTransport::receive(std::span<abi::Sqe> to) {
    const std::size_t bytes =
        RT_TRY(uninterrupted([&] { return sys_read(socket_.fd(), std::as_writable_bytes(to)); }));
    return bytes / sizeof(abi::Sqe);
}

void GuestTransport::complete(std::span<const abi::Cqe> completions) {
    while (!completions.empty()) {
        const auto written =
            uninterrupted([&] { return sys_write(socket_.fd(), std::as_bytes(completions)); });
        // One that is refused (its caller was killed, say) must not keep the others back.
        const std::size_t taken = written ? *written / sizeof(abi::Cqe) : 0;
        completions = completions.subspan(std::max<std::size_t>(taken, 1));
    }
}

std::optional<std::span<std::byte>> GuestTransport::buffer(std::uint64_t address, std::uint64_t size) {
    return std::span(reinterpret_cast<std::byte*>(address), size);
}

Result<std::vector<Descriptor>> GuestTransport::obtain(std::uint32_t tag, std::uint64_t count) {
    std::vector<std::uint64_t> numbers(count);
    const std::uint64_t words[] = {static_cast<std::uint64_t>(abi::SchemeSocketCall::kObtainFd), tag};
    RT_TRY(sys_call(socket_.fd(), std::as_writable_bytes(std::span(numbers)),
                    CallFlags::kFd | CallFlags::kRead, words));
    std::vector<Descriptor> obtained;
    for (const std::uint64_t number : numbers)
        obtained.emplace_back(number);
    return obtained;
}

Result<void> GuestTransport::attach(std::uint32_t tag, std::vector<Descriptor> descriptors) {
    std::vector<std::uint64_t> numbers;
    for (const Descriptor& descriptor : descriptors)
        numbers.push_back(descriptor.number());
    const std::uint64_t words[] = {static_cast<std::uint64_t>(abi::SchemeSocketCall::kMoveFd), tag};
    RT_TRY(sys_call(socket_.fd(), std::as_writable_bytes(std::span(numbers)),
                    CallFlags::kFd | CallFlags::kWrite, words));
    for (Descriptor& descriptor : descriptors)
        (void)descriptor.release();
    return {};
}

// The completion takes it out of this program's table.
Result<std::uint64_t> GuestTransport::give(std::uint32_t, Descriptor descriptor) {
    return descriptor.release();
}

Result<Transport::Shown> GuestTransport::show(std::uint32_t, const Pages& pages, std::uint64_t offset) {
    return Shown{abi::CqeOpcode::kRespondRegular, userland::word(pages.bytes().data() + offset)};
}

void Descriptor::close_number(std::uint64_t number) {
    (void)userland::sys_close(Fd{number});
}

Result<Pages> Pages::allocate(std::uint64_t size) {
    constexpr std::uint64_t kPage = 4096;
    if (size == 0 || size > UINT64_MAX - kPage) return Errno::kEINVAL;
    const std::uint64_t whole = (size + kPage - 1) / kPage * kPage;
    return Pages({RT_TRY(userland::map_anonymous(whole)), whole}, -1);
}

Pages::~Pages() {
    if (!bytes_.empty()) (void)userland::unmap(bytes_.data(), bytes_.size());
}

}  // namespace halfcell::server
