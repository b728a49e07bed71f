#include "kernel_shim/syscall/describe_values.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "abi/data.h"
#include "abi/dirent.h"

namespace halfcell::syscall {

namespace {

template <typename T>
std::optional<T> read_value(const mem::AddressSpace& space, std::uint64_t address) {
    T value{};
    if (!space.read(address, std::as_writable_bytes(std::span(&value, 1)))) return std::nullopt;
    return value;
}

// Puts `separator` between the things of a list.
class Separator {
  public:
    Separator(TextWriter& to, std::string_view separator) : to_(to), separator_(separator) {}
    void next() {
        if (!first_) to_.append(separator_);
        first_ = false;
    }
    [[nodiscard]] bool nothing_yet() const { return first_; }

  private:
    TextWriter& to_;
    std::string_view separator_;
    bool first_ = true;
};

void append_set(TextWriter& to, Separator& separator, abi::NameList names, std::uint64_t bits) {
    const std::uint64_t rest = abi::decode_flags(names, bits, [&](const char* name) {
        separator.next();
        to.append(name);
    });
    if (rest == 0) return;
    separator.next();
    to.append_hex(rest);
}

void append_field(TextWriter& to, std::string_view name, std::uint64_t value) {
    to.append(name);
    to.append_decimal(value);
}

void append_seconds(TextWriter& to, const abi::TimeSpec& time) {
    to.append_signed(time.tv_sec);
    if (time.tv_nsec >= 0 && time.tv_nsec < 1'000'000'000) {
        if (time.tv_nsec == 0) return;
        to.append('.');
        to.append_padded(static_cast<std::uint64_t>(time.tv_nsec), 9);
    } else {
        to.append('s');
        to.append_signed(time.tv_nsec);
        to.append("ns");
    }
}

}  // namespace

void append_flags(TextWriter& to, abi::NameList names, std::uint64_t bits) {
    Separator separator(to, "|");
    append_set(to, separator, names, bits);
    if (separator.nothing_yet()) to.append('0');
}

void append_one_of(TextWriter& to, abi::NameList names, std::uint64_t value) {
    if (const char* const name = names.name_of(value))
        to.append(name);
    else
        to.append_signed(static_cast<std::int64_t>(value));
}

void append_open_flags(TextWriter& to, std::uint64_t bits) {
    constexpr std::uint64_t kModeBits = 0xffff;
    Separator separator(to, "|");
    append_set(to, separator, abi::names_of<abi::OpenFlags>(), bits & ~kModeBits);
    if ((bits & kModeBits) != 0 || separator.nothing_yet()) {
        separator.next();
        to.append_octal(bits & kModeBits);
    }
}

void append_call_flags(TextWriter& to, std::uint64_t word) {
    constexpr std::uint64_t kWordCount = 0xff;
    Separator separator(to, "|");
    append_set(to, separator, abi::names_of<abi::CallFlags>(), word & ~kWordCount);
    if ((word & kWordCount) == 0 && !separator.nothing_yet()) return;
    separator.next();
    to.append_decimal(word & kWordCount);
}

void append_remap_flags(TextWriter& to, std::uint64_t bits) {
    constexpr std::uint64_t kPlace =
        abi::MremapFlags::kFixed | abi::MremapFlags::kFixedReplace | abi::MremapFlags::kKeepOld;
    Separator separator(to, "|");
    append_set(to, separator, abi::names_of<abi::MremapFlags>(), bits & kPlace);
    append_set(to, separator, abi::names_of<abi::MapFlags>(), bits & ~kPlace);
    if (separator.nothing_yet()) to.append('0');
}

void append_word(TextWriter& to, const Argument& argument, std::uint64_t value) {
    switch (argument.kind) {
        case ArgumentKind::kNumber:
            return to.append_decimal(value);
        case ArgumentKind::kOffset:
            return to.append_signed(static_cast<std::int64_t>(value));
        case ArgumentKind::kOctal:
            return to.append_octal(value);
        case ArgumentKind::kFlags:
            return append_flags(to, argument.names, value);
        case ArgumentKind::kOneOf:
            return append_one_of(to, argument.names, value);
        case ArgumentKind::kOpenFlags:
            return append_open_flags(to, value);
        case ArgumentKind::kCallFlags:
            return append_call_flags(to, value);
        case ArgumentKind::kRemapFlags:
            return append_remap_flags(to, value);
        default:
            return to.append_hex(value);
    }
}

void append_bytes(TextWriter& to, const mem::AddressSpace& space, std::uint64_t address, std::uint64_t size,
                  std::uint64_t shown, Quoting quoting) {
    std::array<char, 256> storage;
    const std::uint64_t count = std::min({size, shown, std::uint64_t{storage.size()}});
    if (!space.read(address, std::as_writable_bytes(std::span(storage).first(count)))) {
        to.append_hex(address);
        return;
    }
    const std::string_view bytes(storage.data(), count);
    if (quoting == Quoting::kQuoted)
        to.append_quoted(bytes);
    else
        to.append(bytes);
    if (size > count) to.append("...");
}

void append_entries(TextWriter& to, const mem::AddressSpace& space, std::uint64_t address,
                    std::uint64_t size) {
    constexpr int kMostShown = 4;
    // Enough for the first few; a list is cut somewhere anyway.
    std::array<std::uint8_t, 512> storage;
    const std::uint64_t count = std::min<std::uint64_t>(size, storage.size());
    if (!space.read(address, std::as_writable_bytes(std::span(storage).first(count)))) {
        to.append_hex(address);
        return;
    }
    abi::DirentReader reader(storage.data(), count);
    abi::Dirent entry{};
    Separator separator(to, ", ");
    to.append('[');
    std::uint64_t seen = 0;
    for (int shown = 0; shown < kMostShown; ++shown) {
        if (reader.next(entry) != abi::DirentReader::Status::kEntry) break;
        separator.next();
        to.append_quoted({entry.name, entry.name_length});
        seen += entry.header.record_len;
    }
    if (seen < size) {
        separator.next();
        to.append("...");
    }
    to.append(']');
}

void append_stat(TextWriter& to, const mem::AddressSpace& space, std::uint64_t address, std::uint64_t size) {
    const auto stat = size < sizeof(abi::Stat) ? std::nullopt : read_value<abi::Stat>(space, address);
    if (!stat) return to.append_hex(address);
    to.append("{st_mode=");
    to.append_octal(stat->st_mode);
    append_field(to, ", st_size=", stat->st_size);
    append_field(to, ", st_uid=", stat->st_uid);
    append_field(to, ", st_ino=", stat->st_ino);
    append_field(to, ", st_dev=", stat->st_dev);
    to.append('}');
}

void append_statvfs(TextWriter& to, const mem::AddressSpace& space, std::uint64_t address,
                    std::uint64_t size) {
    const auto stat = size < sizeof(abi::StatVfs) ? std::nullopt : read_value<abi::StatVfs>(space, address);
    if (!stat) return to.append_hex(address);
    append_field(to, "{f_bsize=", stat->f_bsize);
    append_field(to, ", f_blocks=", stat->f_blocks);
    append_field(to, ", f_bfree=", stat->f_bfree);
    to.append('}');
}

void append_map(TextWriter& to, const mem::AddressSpace& space, std::uint64_t address, std::uint64_t size) {
    const auto map = size < sizeof(abi::Map) ? std::nullopt : read_value<abi::Map>(space, address);
    if (!map) return to.append_hex(address);
    to.append("{offset=");
    to.append_hex(map->offset);
    to.append(", size=");
    to.append_hex(map->size);
    to.append(", flags=");
    append_flags(to, abi::names_of<abi::MapFlags>(), map->flags);
    to.append(", address=");
    to.append_hex(map->address);
    to.append('}');
}

void append_time(TextWriter& to, const mem::AddressSpace& space, std::uint64_t address) {
    if (address == 0) return to.append("null");
    if (const auto time = read_value<abi::TimeSpec>(space, address))
        append_seconds(to, *time);
    else
        to.append_hex(address);
}

void append_times(TextWriter& to, const mem::AddressSpace& space, std::uint64_t address, std::uint64_t size) {
    Separator separator(to, ", ");
    to.append('[');
    for (std::uint64_t i = 0; i < 2 && (i + 1) * sizeof(abi::TimeSpec) <= size; ++i) {
        separator.next();
        append_time(to, space, address + i * sizeof(abi::TimeSpec));
    }
    to.append(']');
}

void append_metadata(TextWriter& to, const mem::AddressSpace& space, std::uint64_t address,
                     std::uint64_t call_flags) {
    constexpr std::uint64_t kMostWords = 3;
    const std::uint64_t words = std::min<std::uint64_t>(call_flags & 0xff, kMostWords);
    Separator separator(to, ", ");
    to.append('[');
    for (std::uint64_t i = 0; i < words; ++i) {
        separator.next();
        const auto word = read_value<std::uint64_t>(space, address + i * sizeof(std::uint64_t));
        if (!word)
            to.append('?');
        else if (i == 0 && (call_flags & abi::CallFlags::kStdFs) != 0)
            append_one_of(to, abi::names_of<abi::StdFsCallKind>(), *word & 0xff);
        else
            to.append_hex(*word);
    }
    to.append(']');
}

}  // namespace halfcell::syscall
