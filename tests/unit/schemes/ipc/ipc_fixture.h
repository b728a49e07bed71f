#pragma once

// A scheme of sockets under test, and what programs do with one, in short form.

#include <array>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "abi/socket_call.h"
#include "kernel_shim/base/memory_budget.h"
#include "schemes/ipc/packet_queue.h"
#include "tests/unit/schemes/devices/device_fixture.h"

namespace halfcell::test {

using abi::EventFlags;
using abi::OpenFlags;
using abi::SocketCall;
using abi::SocketConstant;
using scheme::DescriptionRef;

// What may wait in all sockets: more than one of them holds.
constexpr std::uint64_t kMemory = 8 << 20;
constexpr std::uint64_t kBoth = EventFlags::kEventRead | EventFlags::kEventWrite;

template <typename T>
std::string bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

// Counts what each registration was told.
class EventCount final : public scheme::EventSink {
  public:
    void deliver(const abi::Event& event) override { seen |= event.flags; }
    // What came since the last time.
    std::uint64_t take() { return std::exchange(seen, 0); }
    std::uint64_t seen = 0;
};

struct IpcFixture : DeviceFixture {
    using DeviceFixture::DeviceFixture;

    // What the schemes ask for real ids.
    static Result<ipc::Credentials> real_ids(const scheme::Caller& caller) {
        if (caller.pid == 99) return fail(Errno::kEINVAL);
        return ipc::Credentials{static_cast<std::int32_t>(caller.pid), 1000, 2000};
    }

    DescriptionRef socket(std::uint64_t flags = 0) {
        return *open("", OpenFlags::kRdwr | OpenFlags::kCreat | flags);
    }
    Result<DescriptionRef> dup_as(const scheme::Caller& who, const DescriptionRef& file,
                                  std::string_view name) {
        scheme::OpenResult opened = TRY(tested.dup(who, file->number(), mem::UserIn::local(name)));
        return scheme::describe_opened(*file, std::move(opened), file->flags());
    }
    Result<DescriptionRef> dup(const DescriptionRef& file, std::string_view name) {
        return dup_as(caller, file, name);
    }
    // A SYS_CALL; `payload` comes back as it was left.
    Result<std::uint64_t> call_as(const scheme::Caller& who, const DescriptionRef& file, SocketCall what,
                                  std::string& payload, std::vector<std::uint64_t> rest = {}) {
        rest.insert(rest.begin(), static_cast<std::uint64_t>(what));
        return tested.call(who, file->number(),
                           mem::UserInOut::local(std::as_writable_bytes(std::span(payload))), 0, rest);
    }
    Result<std::uint64_t> call(const DescriptionRef& file, SocketCall what, std::string payload = {},
                               std::vector<std::uint64_t> rest = {}) {
        return call_as(caller, file, what, payload, std::move(rest));
    }
    // What a call wrote, as far as it says, or "error …".
    std::string answer(const DescriptionRef& file, SocketCall what, std::string payload,
                       std::vector<std::uint64_t> rest = {}) {
        const auto count = call_as(caller, file, what, payload, std::move(rest));
        if (!count) return std::string("error ") + abi::errno_name(count.error());
        return payload.substr(0, *count);
    }
    std::string token_of(const DescriptionRef& file) {
        return answer(file, SocketCall::kGetToken, std::string(16, '\0'));
    }
    std::string receive(const DescriptionRef& file, std::uint64_t name, std::uint64_t most,
                        std::uint64_t control, std::uint64_t flags = 0) {
        std::string payload(88 + name + most + control, '\0');
        const abi::ReceiveHeader header{name, most, control};
        std::memcpy(payload.data(), &header, sizeof header);
        return answer(file, SocketCall::kRecvMsg, payload, {flags});
    }
    static std::string message(std::string_view payload, std::string_view ancillary = {}) {
        return bytes_of(std::uint64_t{payload.size()}) + std::string(payload) + std::string(ancillary);
    }
    // A message as it is received.
    static std::string received(std::string_view name, std::string_view payload,
                                std::string_view ancillary = {}) {
        return bytes_of(std::uint64_t{name.size()}) + std::string(name) + message(payload, ancillary);
    }
    static std::string ancillary(std::int32_t type, std::string_view data) {
        return bytes_of(abi::AncillaryHeader{SocketConstant::kSolSocket, type, data.size()}) +
               std::string(data);
    }
    static std::string rights(std::uint64_t count) {
        return ancillary(SocketConstant::kScmRights, bytes_of(count));
    }

    Result<std::uint64_t> send_files(const DescriptionRef& file, std::vector<DescriptionRef>& files) {
        return tested.fd_write(caller, file->number(), std::move(files), 0, 0, {});
    }
    Result<std::vector<DescriptionRef>> receive_files(const DescriptionRef& file, std::uint64_t count) {
        return tested.fd_read(caller, file->number(), count * 8, 0, {});
    }
    std::uint64_t ready(const DescriptionRef& file) { return *tested.fevent(caller, file->number(), kBoth); }
    std::shared_ptr<EventCount> watch(const DescriptionRef& file) {
        auto sink = std::make_shared<EventCount>();
        events.subscribe({id, file->number()}, sink, {.id = 1, .flags = kBoth, .data = 0});
        return sink;
    }
    void await_other_block() const {
        while (other_waiter.reason() == nullptr)
            std::this_thread::yield();
    }

    // A second thread of a guest.
    wait::Waiter other_waiter;
    scheme::Caller other{ContextId{2}, 2, 7, 8, other_waiter};
};

}  // namespace halfcell::test
