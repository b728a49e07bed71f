#include "schemes/kernel/irq.h"

#include <charconv>
#include <string>

#include "abi/flags.h"
#include "schemes/common/directory.h"
#include "schemes/common/wire.h"

namespace halfcell::schemes {

using abi::OpenFlags;
using scheme::Caller;
using scheme::OpenedHandle;
using scheme::OpenResult;

namespace {

constexpr std::uint8_t kLegacyIrqs = 16;  // one line for all CPUs, opened without being reserved
constexpr std::uint8_t kIrqs = 224;       // vectors 32 to 255
constexpr std::uint8_t kVectorBase = 32;

// Source: kernel:src/scheme/irq.rs INO_*.
constexpr std::uint64_t kCpuInode = std::uint64_t{0x8000} << 48;
constexpr std::uint64_t kBspInode = std::uint64_t{0x8001} << 48;
constexpr std::uint64_t kDirectoryInode = std::uint64_t{0x8002} << 48;

std::size_t slot(std::uint8_t cpu, std::uint8_t irq) {
    return std::size_t{cpu} * 256 + irq;
}

// Decimal, as Rust parses a u8.
std::optional<std::uint8_t> parse_byte(std::string_view text) {
    const auto value = parse_decimal(text);
    if (!value || *value > UINT8_MAX) return std::nullopt;
    return static_cast<std::uint8_t>(*value);
}

std::string hex(std::uint8_t value, char padding) {
    char digits[4];
    const auto end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
    std::string text(digits, end);
    if (text.size() < 2) text.insert(text.begin(), padding);
    return text;
}

}  // namespace

Result<OpenedHandle> IrqScheme::root() {
    return OpenedHandle{.number = handles_.add(std::make_shared<Handle>())};
}

Result<IrqScheme::Handle> IrqScheme::open_vector(std::uint8_t cpu, std::string_view path,
                                                 std::uint64_t flags) {
    const auto irq = parse_byte(path);
    if (!irq) return fail(Errno::kENOENT);
    if (*irq < kLegacyIrqs && cpu == 0) return Handle{Kind::kIrq, cpu, *irq, false};
    if (*irq >= kIrqs) return fail(Errno::kENOENT);
    const bool stat_only = (flags & OpenFlags::kStat) != 0;
    if ((flags & OpenFlags::kCreat) == 0 && !stat_only) return fail(Errno::kEINVAL);
    if (stat_only) return Handle{Kind::kIrq, cpu, *irq, false};
    return reserved_.with([&](Reserved& reserved) -> Result<Handle> {
        if (reserved.test(slot(cpu, *irq))) return fail(Errno::kEEXIST);
        reserved.set(slot(cpu, *irq));
        return Handle{Kind::kIrq, cpu, *irq, true};
    });
}

Result<IrqScheme::Handle> IrqScheme::parse(std::string_view path, std::uint64_t flags) {
    path = without_leading_slashes(path);
    if (path.empty()) {
        if ((flags & (OpenFlags::kDirectory | OpenFlags::kStat)) == 0) return fail(Errno::kEISDIR);
        return Handle{Kind::kDirectory};
    }
    if (path == "bsp") return Handle{Kind::kBsp};
    if (path.starts_with("cpu-")) {
        path.remove_prefix(4);
        std::uint8_t cpu = 0;
        const std::string_view digits = path.substr(0, 2);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), cpu, 16);
        if (digits.size() < 2 || error != std::errc() || end != digits.data() + 2)
            return fail(Errno::kENOENT);
        path.remove_prefix(2);
        path = path.substr(0, path.find_last_not_of('/') + 1);
        if (path.empty()) return Handle{Kind::kCpu, cpu};
        if (path[0] != '/') return fail(Errno::kENOENT);
        return open_vector(cpu, path.substr(1), flags);
    }
    const auto irq = parse_byte(path);
    if (!irq || *irq >= kLegacyIrqs) return fail(Errno::kENOENT);
    return Handle{Kind::kIrq, 0, *irq, false};
}

Result<OpenResult> IrqScheme::openat(const Caller& caller, HandleNumber base, std::string_view path,
                                     std::uint64_t flags, std::uint32_t) {
    if (TRY(handles_.find(base))->kind != Kind::kRoot) return fail(Errno::kEACCES);
    if (caller.uid != 0) return fail(Errno::kEACCES);
    const Handle handle = TRY(parse(path, flags));
    const bool positioned = handle.kind == Kind::kDirectory || handle.kind == Kind::kCpu;
    return OpenedHandle{.number = handles_.add(std::make_shared<Handle>(handle)), .positioned = positioned};
}

Result<std::uint64_t> IrqScheme::read_at(const Caller&, HandleNumber number, const mem::UserOut& to,
                                         std::uint64_t, scheme::TransferFlags) {
    const Kind kind = TRY(handles_.find(number))->kind;
    if (kind != Kind::kIrq && kind != Kind::kBsp) return fail(Errno::kEISDIR);
    if (to.size() < sizeof(std::uint64_t)) return fail(Errno::kEINVAL);
    // No interrupt has come, so none waits to be acknowledged.
    if (kind == Kind::kIrq) return 0;
    TRY(to.write_exact(std::uint32_t{0}));
    return sizeof(std::uint64_t);
}

Result<std::uint64_t> IrqScheme::write(const Caller&, HandleNumber number, const mem::UserIn& from,
                                       scheme::TransferFlags) {
    if (TRY(handles_.find(number))->kind != Kind::kIrq) return fail(Errno::kEBADF);
    const auto acknowledged = TRY(from.read_exact<std::uint64_t>());
    return acknowledged == 0 ? sizeof acknowledged : 0;
}

Result<std::uint64_t> IrqScheme::fpath(const Caller&, HandleNumber number, const mem::UserOut& to) {
    const auto handle = TRY(handles_.find(number));
    switch (handle->kind) {
        case Kind::kDirectory:
            return to.write_common("irq:");
        case Kind::kBsp:
            return to.write_common("irq:bsp");
        case Kind::kCpu:
            return to.write_common("irq:cpu-" + hex(handle->cpu, ' '));
        case Kind::kIrq:
            return to.write_common("irq:" + std::to_string(handle->irq));
        case Kind::kRoot:
            break;
    }
    return fail(Errno::kEBADF);
}

Result<void> IrqScheme::fstat(const Caller&, HandleNumber number, const mem::UserOut& to) {
    const auto handle = TRY(handles_.find(number));
    abi::Stat stat{};
    const auto device = [&](std::uint16_t permissions, std::uint64_t inode) {
        stat.st_mode = static_cast<std::uint16_t>(abi::Mode::kChr | permissions);
        stat.st_size = sizeof(std::uint64_t);
        stat.st_blocks = 1;
        stat.st_blksize = sizeof(std::uint64_t);
        stat.st_ino = inode;
        stat.st_nlink = 1;
    };
    const auto directory = [&](std::uint16_t permissions, std::uint64_t inode, std::uint32_t links) {
        stat.st_mode = static_cast<std::uint16_t>(abi::Mode::kDir | permissions);
        stat.st_ino = inode;
        stat.st_nlink = links;
    };
    switch (handle->kind) {
        case Kind::kDirectory:
            directory(0500, kDirectoryInode, 1);
            break;
        case Kind::kBsp:
            device(0400, kBspInode);
            break;
        case Kind::kCpu:
            directory(0700, kCpuInode | std::uint64_t{handle->cpu} << 32, 2);
            break;
        case Kind::kIrq:
            device(0600, handle->irq);
            break;
        case Kind::kRoot:
            return fail(Errno::kEBADF);
    }
    return to.write_exact(stat);
}

std::vector<std::uint8_t> IrqScheme::free_vectors(std::uint8_t cpu) const {
    return reserved_.with([&](const Reserved& reserved) {
        std::vector<std::uint8_t> free;
        for (std::uint8_t irq = 0; irq < kIrqs; ++irq)
            if (!reserved.test(slot(cpu, irq))) free.push_back(irq);
        return free;
    });
}

Result<std::uint64_t> IrqScheme::getdents(const Caller&, HandleNumber number, const mem::UserOut& to,
                                          std::uint16_t header_size, std::uint64_t opaque_id) {
    const auto handle = TRY(handles_.find(number));
    std::vector<DirectoryEntry> entries;
    if (handle->kind == Kind::kDirectory) {
        // The only CPU has number 0 and is listed from 0 on, as upstream lists each from its own number on.
        if (opaque_id == 0) {
            entries.push_back({0, 1, abi::DirentKind::kCharDev, "bsp"});
            entries.push_back({0, 1, abi::DirentKind::kDirectory, "cpu-00"});
        }
    } else if (handle->kind == Kind::kCpu) {
        const std::vector<std::uint8_t> free = free_vectors(handle->cpu);
        for (std::uint64_t i = opaque_id; i < free.size(); ++i) {
            if (handle->cpu == 0 && free[i] < kLegacyIrqs) continue;
            entries.push_back({0, std::uint64_t{free[i]} + kVectorBase + 1, abi::DirentKind::kCharDev,
                               std::to_string(free[i])});
        }
    } else {
        return fail(Errno::kENOTDIR);
    }
    return reply_all_entries(to, header_size, entries);
}

Result<void> IrqScheme::close(HandleNumber number) {
    const auto handle = TRY(handles_.remove(number));
    if (handle->reserved)
        reserved_.with([&](Reserved& reserved) { reserved.reset(slot(handle->cpu, handle->irq)); });
    return {};
}

}  // namespace halfcell::schemes
