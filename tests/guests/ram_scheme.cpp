#include "tests/guests/ram_scheme.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "abi/dirent.h"
#include "abi/namespace_call.h"
#include "userland/rt/file.h"
#include "userland/rt/process.h"

namespace halfcell::userland {

using abi::CqeOpcode;
using abi::Opcode;

namespace {

std::string_view path_of(const abi::Sqe& sqe) {
    return {reinterpret_cast<const char*>(sqe.args[1]), sqe.args[2]};
}

std::span<std::byte> buffer_of(const abi::Sqe& sqe) {
    return {reinterpret_cast<std::byte*>(sqe.args[1]), sqe.args[2]};
}

abi::Cqe completion(CqeOpcode opcode, std::uint32_t tag, std::uint64_t result) {
    abi::Cqe cqe{};
    cqe.flags = static_cast<std::uint8_t>(opcode);
    cqe.tag = tag;
    cqe.result = result;
    return cqe;
}

template <typename T>
Result<std::uint64_t> put(const abi::Sqe& sqe, const T& value) {
    if (sqe.args[2] < sizeof value) return Errno::kEINVAL;
    std::memcpy(buffer_of(sqe).data(), &value, sizeof value);
    return 0;
}

}  // namespace

Result<void> RamScheme::create(std::string_view name) {
    const UniqueFd capability(RT_TRY(
        sys_openat(process().name_space, "/scheme/namespace/scheme-creation-cap", abi::OpenFlags::kRdwr)));
    socket_ = UniqueFd(RT_TRY(sys_dup(capability.fd(), "create-scheme")));
    abi::NewFdParams params{};
    params.number = kRoot;
    params.flags = abi::OpenFlags::kRdwr;
    handles_.push_back({0, true, {}});
    root_ = UniqueFd(RT_TRY(
        sys_dup(socket_.fd(), std::string_view(reinterpret_cast<const char*>(&params), sizeof params))));

    const auto verb = static_cast<std::uint64_t>(abi::NsDup::kIssueRegister);
    std::string request(reinterpret_cast<const char*>(&verb), sizeof verb);
    request += name;
    const UniqueFd registration(RT_TRY(sys_dup(process().name_space, request)));
    std::uint64_t fd = word(root_.fd());
    RT_TRY(sys_call(registration.fd(), std::as_writable_bytes(std::span(&fd, 1)),
                    abi::CallFlags::kFd | abi::CallFlags::kWrite, {}));
    (void)root_.release();
    return {};
}

Result<void> RamScheme::serve() {
    std::array<abi::Sqe, 16> requests;
    for (;;) {
        const std::size_t bytes = RT_TRY(sys_read(socket_.fd(), std::as_writable_bytes(std::span(requests))));
        for (std::size_t i = 0; i < bytes / sizeof(abi::Sqe); ++i)
            if (!handle(requests[i])) return {};
    }
}

void RamScheme::complete(const abi::Cqe& cqe) {
    (void)sys_write(socket_.fd(), std::as_bytes(std::span(&cqe, 1)));
}

void RamScheme::answer(std::uint32_t tag, const Result<std::uint64_t>& result, std::uint8_t extra) {
    abi::Cqe cqe =
        completion(CqeOpcode::kRespondRegular, tag, result ? *result : abi::mux_error(result.error()));
    cqe.extra_raw[0] = extra;
    complete(cqe);
}

RamScheme::File* RamScheme::file_of(std::uint64_t id) {
    if (id == kRoot || id >= handles_.size() || !handles_[id].open) return nullptr;
    return &files_[handles_[id].file];
}

// Answers what nobody has asked, or others have, but not this.
void RamScheme::lie(std::uint32_t tag) {
    constexpr std::uint32_t kTags = 300;
    for (std::uint32_t other = 0; other < kTags; ++other)
        if (other != tag) answer(other, Errno::kEPROTO);
}

// False where the server is to end.
bool RamScheme::handle(const abi::Sqe& sqe) {
    switch (static_cast<Opcode>(sqe.opcode)) {
        case Opcode::kCancel: {
            const auto waiting = std::find(cancellable_.begin(), cancellable_.end(), sqe.tag);
            if (waiting == cancellable_.end()) return true;
            cancellable_.erase(waiting);
            answer(sqe.tag, Errno::kECANCELED);
            return true;
        }
        case Opcode::kCloseMsg:
            close(sqe.args[0]);
            return true;
        case Opcode::kDetach:
            return true;
        case Opcode::kOpenAt: {
            const std::string_view path = path_of(sqe);
            if (path == "exit") return false;
            if (path == "silent") {
                silent_.push_back(sqe.tag);
                ++silent_opens_;
                return true;
            }
            // Says whether so many have been made.
            if (path.starts_with("silent ")) {
                const bool made = silent_opens_ >= static_cast<std::size_t>(path.back() - '0');
                answer(sqe.tag, made ? open(sqe) : Errno::kEAGAIN);
                return true;
            }
            // Answers the first of those, whoever waits for it by now.
            if (path == "late" && !silent_.empty()) {
                answer(silent_.front(), Errno::kEPROTO);
                silent_.erase(silent_.begin());
            }
            if (path == "lies") lie(sqe.tag);
            if (path == "cancellable") {
                cancellable_.push_back(sqe.tag);
                return true;
            }
            if (path == "elsewhere") {
                // A pipe's read end instead of a file of ours.
                const Result<Fd> pipe =
                    sys_openat(process().name_space, "/scheme/pipe", abi::OpenFlags::kRdwr);
                complete(completion(CqeOpcode::kRespondWithFd, sqe.tag, pipe ? word(*pipe) : 0));
                return true;
            }
            if (path == "twice") answer(sqe.tag, Errno::kEPERM);
            answer(sqe.tag, open(sqe), abi::NewFdFlags::kPositioned);
            return true;
        }
        case Opcode::kRecvfd: {
            const Result<void> given = give_descriptors(sqe);
            if (!given) answer(sqe.tag, given.error());
            return true;
        }
        default:
            answer(sqe.tag, answer_of(sqe));
            return true;
    }
}

Result<std::uint64_t> RamScheme::open(const abi::Sqe& sqe) {
    const std::string_view path = path_of(sqe);
    std::size_t index = 0;
    if (!path.empty()) {
        while (index < files_.size() && (files_[index].removed || files_[index].name != path))
            ++index;
        if (index == files_.size()) {
            if ((sqe.args[3] & abi::OpenFlags::kCreat) == 0) return Errno::kENOENT;
            files_.push_back({std::string(path), RT_TRY(map_anonymous(kCapacity))});
        }
        handles_.push_back({index, true, {}});
        return handles_.size() - 1;
    }
    // The root again, under a number of its own that has no file.
    return kRoot;
}

Result<std::uint64_t> RamScheme::transfer(const abi::Sqe& sqe) {
    File* const file = file_of(sqe.args[0]);
    if (file == nullptr) return Errno::kEISDIR;
    const std::uint64_t offset = sqe.args[3];
    const bool reading = static_cast<Opcode>(sqe.opcode) == Opcode::kRead;
    const std::uint64_t end = reading ? file->size : kCapacity;
    const std::uint64_t count = offset < end ? std::min(sqe.args[2], end - offset) : 0;
    std::byte* const bytes = file->bytes + offset;
    if (reading) {
        std::memcpy(buffer_of(sqe).data(), bytes, count);
    } else {
        if (count == 0 && sqe.args[2] != 0) return Errno::kENOSPC;
        std::memcpy(bytes, buffer_of(sqe).data(), count);
        file->size = std::max(file->size, offset + count);
    }
    return count;
}

Result<std::uint64_t> RamScheme::list(const abi::Sqe& sqe) {
    if (sqe.args[0] != kRoot) return Errno::kENOTDIR;
    abi::DirentWriter writer(reinterpret_cast<std::uint8_t*>(sqe.args[1]), sqe.args[2],
                             static_cast<std::uint16_t>(sqe.args[3]));
    for (std::uint64_t i = sqe.args[4]; i < files_.size(); ++i) {
        if (files_[i].removed) continue;
        const auto status = writer.append(i + 1, i + 1, abi::DirentKind::kRegular, files_[i].name.data(),
                                          files_[i].name.size());
        if (status == abi::DirentWriter::Status::kOk) continue;
        if (writer.written() == 0) return Errno::kEINVAL;
        break;
    }
    return writer.written();
}

Result<std::uint64_t> RamScheme::remove(std::string_view path) {
    for (File& file : files_) {
        if (file.removed || file.name != path) continue;
        file.removed = true;
        return 0;
    }
    return Errno::kENOENT;
}

void RamScheme::close(std::uint64_t id) {
    if (id >= handles_.size()) return;
    handles_[id].open = false;
    for (const Fd kept : std::exchange(handles_[id].kept, {}))
        (void)sys_close(kept);
}

// Takes the first of what was sent with a request: to a number that we name and that is free, or to the
// lowest one, which is told.
Result<Fd> RamScheme::obtain_first(std::uint32_t tag, bool named) {
    std::uint64_t number = 0;
    const std::uint64_t place = kNamedPlaces + next_place_++ % kNamedPlaces;
    abi::Cqe cqe = completion(CqeOpcode::kObtainFd, tag, named ? place : word(&number));
    cqe.extra_raw[0] = static_cast<std::uint8_t>(abi::FobtainFdFlags::kCloexec |
                                                 (named ? abi::FobtainFdFlags::kManualFd : 0));
    RT_TRY(sys_write(socket_.fd(), std::as_bytes(std::span(&cqe, 1))));
    return Fd{named ? place : number};
}

Result<std::uint64_t> RamScheme::take_one_by_one(const abi::Sqe& sqe) {
    for (std::uint64_t i = 0; i < sqe.args[3]; ++i) {
        auto fd = obtain_first(sqe.tag, i % 2 == 1);
        // Something is there already.
        if (!fd && fd.error() == Errno::kEEXIST) fd = obtain_first(sqe.tag, false);
        handles_[sqe.args[0]].kept.push_back(RT_TRY(std::move(fd)));
    }
    return sqe.args[3];
}

Result<std::uint64_t> RamScheme::take_descriptors(const abi::Sqe& sqe) {
    const File* const file = file_of(sqe.args[0]);
    if (file == nullptr) return Errno::kEBADF;
    if (file->name == "one by one") return take_one_by_one(sqe);
    std::vector<std::uint64_t> numbers(sqe.args[3]);
    const std::uint64_t words[] = {static_cast<std::uint64_t>(abi::SchemeSocketCall::kObtainFd), sqe.tag};
    RT_TRY(sys_call(socket_.fd(), std::as_writable_bytes(std::span(numbers)),
                    abi::CallFlags::kFd | abi::CallFlags::kRead, words));
    for (const std::uint64_t number : numbers)
        handles_[sqe.args[0]].kept.push_back(Fd{number});
    return numbers.size();
}

Result<void> RamScheme::give_descriptors(const abi::Sqe& sqe) {
    if (file_of(sqe.args[0]) == nullptr) return Errno::kEBADF;
    auto& kept = handles_[sqe.args[0]].kept;
    if (kept.size() < sqe.args[2]) return Errno::kEAGAIN;
    std::vector<std::uint64_t> numbers;
    for (std::uint64_t i = 0; i < sqe.args[2]; ++i)
        numbers.push_back(word(kept[i]));
    kept.erase(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(sqe.args[2]));
    const std::uint64_t words[] = {static_cast<std::uint64_t>(abi::SchemeSocketCall::kMoveFd), sqe.tag};
    RT_TRY(sys_call(socket_.fd(), std::as_writable_bytes(std::span(numbers)),
                    abi::CallFlags::kFd | abi::CallFlags::kWrite, words));
    complete(completion(CqeOpcode::kRespondWithMultipleFds, sqe.tag, 0));
    return {};
}

Result<std::uint64_t> RamScheme::answer_of(const abi::Sqe& sqe) {
    File* const file = file_of(sqe.args[0]);
    switch (static_cast<Opcode>(sqe.opcode)) {
        case Opcode::kRead:
        case Opcode::kWrite:
            return transfer(sqe);
        case Opcode::kFsize:
            return file != nullptr ? file->size : 0;
        case Opcode::kFtruncate:
            if (file == nullptr || sqe.args[1] > kCapacity) return Errno::kEINVAL;
            file->size = sqe.args[1];
            return 0;
        case Opcode::kFstat: {
            abi::Stat stat{};
            stat.st_mode = file != nullptr ? abi::Mode::kFile | 0644 : abi::Mode::kDir | 0755;
            stat.st_size = file != nullptr ? file->size : 0;
            stat.st_uid = static_cast<std::uint32_t>(sqe.args[5]);
            return put(sqe, stat);
        }
        case Opcode::kStdFsCall:
            if (static_cast<abi::StdFsCallKind>(sqe.args[3]) != abi::StdFsCallKind::kFstat)
                return Errno::kEOPNOTSUPP;
            return put(sqe, abi::Stat{});
        case Opcode::kFpath: {
            const std::string path = "/scheme/ram/" + (file != nullptr ? file->name : std::string());
            const std::size_t size = std::min(path.size(), static_cast<std::size_t>(sqe.args[2]));
            std::memcpy(buffer_of(sqe).data(), path.data(), size);
            return size;
        }
        case Opcode::kGetdents:
            return list(sqe);
        case Opcode::kUnlinkAt:
            return remove(path_of(sqe));
        case Opcode::kFsync:
        case Opcode::kFcntl:
        case Opcode::kMunmap:
            return 0;
        case Opcode::kFevent:
            return sqe.args[1] & abi::EventFlags::kEventWrite;
        case Opcode::kSendfd:
            return take_descriptors(sqe);
        case Opcode::kMmapPrep:
            if (file == nullptr || sqe.args[3] + sqe.args[1] > kCapacity) return Errno::kEINVAL;
            return word(file->bytes + sqe.args[3]);
        case Opcode::kCall: {
            // The payload backwards; a metadata word makes the caller's file readable to its watchers.
            std::span<std::byte> payload = buffer_of(sqe);
            std::reverse(payload.begin(), payload.end());
            if (sqe.args[3] != 0)
                complete(
                    completion(CqeOpcode::kSendFevent, static_cast<std::uint32_t>(sqe.args[3]), sqe.args[0]));
            return payload.size();
        }
        default:
            return Errno::kENOSYS;
    }
}

}  // namespace halfcell::userland
