#pragma once

// Single values as a trace shows them. All append to a writer and never fail; what cannot be read from the
// guest shows as its address.

#include <string_view>

#include "abi/names.h"
#include "kernel_shim/base/text.h"
#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/syscall/argument.h"

namespace halfcell::syscall {

// Where a described string will stand: quoted in a line of text, or bare, for somebody who quotes it.
enum class Quoting : std::uint8_t { kQuoted, kBare };

// "A|B|0x40"; "0" where no bit is set.
void append_flags(TextWriter& to, abi::NameList names, std::uint64_t bits);
// The name of exactly this value, else the number.
void append_one_of(TextWriter& to, abi::NameList names, std::uint64_t value);
// Open flags with the mode in the low half: "O_RDWR|O_CREAT|0644".
void append_open_flags(TextWriter& to, std::uint64_t bits);
// CallFlags with a word count below: "READ|STD_FS|3".
void append_call_flags(TextWriter& to, std::uint64_t word);
// MremapFlags and PROT bits in one word.
void append_remap_flags(TextWriter& to, std::uint64_t bits);

// A word of an argument as far as it says something by itself: a number, flags; for all else its bits, as an
// address.
void append_word(TextWriter& to, const Argument& argument, std::uint64_t value);

// `size` guest bytes, at most `shown` of them, followed by ... where there are more.
void append_bytes(TextWriter& to, const mem::AddressSpace& space, std::uint64_t address, std::uint64_t size,
                  std::uint64_t shown, Quoting quoting);
// The names in a packed list of directory entries: [a, b, c, ...].
void append_entries(TextWriter& to, const mem::AddressSpace& space, std::uint64_t address,
                    std::uint64_t size);

// Structs: {st_mode=..., ...}. A buffer shorter than the struct shows as its address.
void append_stat(TextWriter& to, const mem::AddressSpace& space, std::uint64_t address, std::uint64_t size);
void append_statvfs(TextWriter& to, const mem::AddressSpace& space, std::uint64_t address,
                    std::uint64_t size);
void append_map(TextWriter& to, const mem::AddressSpace& space, std::uint64_t address, std::uint64_t size);
// One TimeSpec as seconds: 1.000000005; "null" for address 0.
void append_time(TextWriter& to, const mem::AddressSpace& space, std::uint64_t address);
// Up to two of them: [atime, mtime].
void append_times(TextWriter& to, const mem::AddressSpace& space, std::uint64_t address, std::uint64_t size);
// At most three words: [4, 0, 0], the first by name for a standard file system call.
void append_metadata(TextWriter& to, const mem::AddressSpace& space, std::uint64_t address,
                     std::uint64_t call_flags);

}  // namespace halfcell::syscall
