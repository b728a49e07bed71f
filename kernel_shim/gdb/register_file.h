#pragma once

// A thread's registers in the order and the form in which gdb is told them by target.xml.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernel_shim/base/result.h"
#include "kernel_shim/machine/guest_thread.h"

namespace halfcell::gdb {

// Everything a thread has. `original_rax` is the number of the call that a thread stopped at its entry is
// about to make, else UINT64_MAX; the rest of gdb's orig_rax has no meaning here.
struct RegisterSet {
    machine::ThreadRegisters general;
    std::uint64_t original_rax = UINT64_MAX;
    std::array<std::byte, 416> floating{};      // the FXSAVE image
    std::array<std::byte, 256> upper_halves{};  // of ymm0 to ymm15, where the CPU has them
};

// Whether there are ymm registers.
enum class Vectors : std::uint8_t { kSse, kAvx };

// One row of target.xml.
struct RegisterRow {
    std::string name;
    const char* type;
    const char* feature;
    const char* group;  // or null
    unsigned bits;
    std::size_t offset;  // in the packed form
    [[nodiscard]] std::size_t size() const { return bits / 8; }
};

class RegisterFile {
  public:
    explicit RegisterFile(Vectors vectors);

    [[nodiscard]] const std::vector<RegisterRow>& rows() const { return rows_; }
    // The bytes of all registers, row by row.
    [[nodiscard]] std::string pack(const RegisterSet& registers) const;
    // And back. EINVAL where `packed` has another size than pack() makes.
    Result<void> unpack(std::string_view packed, RegisterSet& registers) const;
    // The target description: core, sse, orig_rax, segment bases and, where there are any, avx registers. Its
    // OS ABI is GNU/Linux, the one whose conventions (link map, auxiliary vector) Redox shares and for which
    // gdb can catch calls.
    [[nodiscard]] std::string target_xml() const;

  private:
    void add(const char* feature, std::string name, unsigned bits, const char* type,
             const char* group = nullptr);
    void add_core();
    void add_vectors(Vectors vectors);

    std::vector<RegisterRow> rows_;
    std::size_t size_ = 0;
};

// gdb's numbers of the registers that a stop report carries.
inline constexpr std::size_t kRbpNumber = 6;
inline constexpr std::size_t kRspNumber = 7;
inline constexpr std::size_t kRipNumber = 16;

}  // namespace halfcell::gdb
