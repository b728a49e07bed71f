#include "kernel_shim/gdb/register_file.h"

#include <cstring>

namespace halfcell::gdb {

namespace {

constexpr const char* kCore = "org.gnu.gdb.i386.core";
constexpr const char* kSse = "org.gnu.gdb.i386.sse";
constexpr const char* kLinux = "org.gnu.gdb.i386.linux";
constexpr const char* kSegments = "org.gnu.gdb.i386.segments";
constexpr const char* kAvx = "org.gnu.gdb.i386.avx";

constexpr unsigned kStackRegisters = 8;
constexpr unsigned kVectorRegisters = 16;
constexpr std::size_t kVectorSize = 16;
constexpr std::size_t kStackRegisterSize = 10;

// Redox's selectors, as a read of regs/int shows them. Source: kernel:src/arch/x86_shared/gdt.rs.
constexpr std::uint32_t kUserCode = 0x2b;
constexpr std::uint32_t kUserData = 0x23;

// Offsets in an FXSAVE image. Source: Intel SDM vol. 1, table 10-2.
namespace fxsave {
constexpr std::size_t kControl = 0;
constexpr std::size_t kStatus = 2;
constexpr std::size_t kTag = 4;
constexpr std::size_t kOpcode = 6;
constexpr std::size_t kInstruction = 8;
constexpr std::size_t kInstructionSegment = 12;
constexpr std::size_t kOperand = 16;
constexpr std::size_t kOperandSegment = 20;
constexpr std::size_t kMxcsr = 24;
constexpr std::size_t kStack = 32;
constexpr std::size_t kXmm = 160;
}  // namespace fxsave

using General = machine::ThreadRegisters;
constexpr std::uint64_t General::*kGeneral[] = {
    &General::rax, &General::rbx, &General::rcx, &General::rdx, &General::rsi, &General::rdi,
    &General::rbp, &General::rsp, &General::r8,  &General::r9,  &General::r10, &General::r11,
    &General::r12, &General::r13, &General::r14, &General::r15, &General::rip};
constexpr const char* kGeneralNames[] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8",
                                         "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip"};
constexpr const char* kSegmentNames[] = {"cs", "ss", "ds", "es", "fs", "gs"};
constexpr std::uint32_t kSelectors[] = {kUserCode, kUserData, kUserData, kUserData, 0, 0};
static_assert(std::size(kGeneral) == std::size(kGeneralNames));

// The types that gdb's own descriptions define for these features.
constexpr const char* kCoreTypes = R"(<flags id="i386_eflags" size="4">
<field name="CF" start="0" end="0"/><field name="" start="1" end="1"/><field name="PF" start="2" end="2"/>
<field name="AF" start="4" end="4"/><field name="ZF" start="6" end="6"/><field name="SF" start="7" end="7"/>
<field name="TF" start="8" end="8"/><field name="IF" start="9" end="9"/><field name="DF" start="10" end="10"/>
<field name="OF" start="11" end="11"/><field name="NT" start="14" end="14"/><field name="RF" start="16" end="16"/>
<field name="VM" start="17" end="17"/><field name="AC" start="18" end="18"/><field name="VIF" start="19" end="19"/>
<field name="VIP" start="20" end="20"/><field name="ID" start="21" end="21"/>
</flags>
)";
constexpr const char* kSseTypes = R"(<vector id="v4f" type="ieee_single" count="4"/>
<vector id="v2d" type="ieee_double" count="2"/><vector id="v16i8" type="int8" count="16"/>
<vector id="v8i16" type="int16" count="8"/><vector id="v4i32" type="int32" count="4"/>
<vector id="v2i64" type="int64" count="2"/>
<union id="vec128">
<field name="v4_float" type="v4f"/><field name="v2_double" type="v2d"/><field name="v16_int8" type="v16i8"/>
<field name="v8_int16" type="v8i16"/><field name="v4_int32" type="v4i32"/><field name="v2_int64" type="v2i64"/>
<field name="uint128" type="uint128"/>
</union>
<flags id="i386_mxcsr" size="4">
<field name="IE" start="0" end="0"/><field name="DE" start="1" end="1"/><field name="ZE" start="2" end="2"/>
<field name="OE" start="3" end="3"/><field name="UE" start="4" end="4"/><field name="PE" start="5" end="5"/>
<field name="DAZ" start="6" end="6"/><field name="IM" start="7" end="7"/><field name="DM" start="8" end="8"/>
<field name="ZM" start="9" end="9"/><field name="OM" start="10" end="10"/><field name="UM" start="11" end="11"/>
<field name="PM" start="12" end="12"/><field name="FZ" start="15" end="15"/>
</flags>
)";

template <typename T>
T load(const std::byte* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

// The x87 tag word of two bits a register, from FXSAVE's of one. Source: Intel SDM vol. 1, 10.5.1.1.
std::uint32_t full_tag_word(const std::array<std::byte, 416>& image) {
    enum : unsigned { kValid, kZero, kSpecial, kEmpty };
    const auto used = load<std::uint8_t>(&image[fxsave::kTag]);
    const unsigned top = load<std::uint16_t>(&image[fxsave::kStatus]) >> 11 & 7U;
    std::uint32_t word = 0;
    for (unsigned physical = 0; physical < kStackRegisters; ++physical) {
        const std::byte* const value = &image[fxsave::kStack + (physical + 8 - top) % 8 * kVectorSize];
        const auto fraction = load<std::uint64_t>(value);
        const unsigned exponent = load<std::uint16_t>(value + 8) & 0x7fffU;
        unsigned tag = kSpecial;
        if ((used >> physical & 1U) == 0)
            tag = kEmpty;
        else if (exponent == 0 && fraction == 0)
            tag = kZero;
        else if (exponent != 0 && exponent != 0x7fff && fraction >> 63 != 0)
            tag = kValid;
        word |= tag << (2 * physical);
    }
    return word;
}

std::uint8_t short_tag_word(std::uint32_t full) {
    unsigned used = 0;
    for (unsigned physical = 0; physical < kStackRegisters; ++physical)
        if ((full >> (2 * physical) & 3U) != 3U) used |= 1U << physical;
    return static_cast<std::uint8_t>(used);
}

// Goes over the registers in the order of target.xml, handing each to `visit` as its bytes in the set and
// their number in the packed form.
template <typename Registers, typename Visit>
void visit_general(Registers& registers, Visit visit) {
    for (const auto member : kGeneral)
        visit(registers.general.*member, sizeof(std::uint64_t));
    visit(registers.general.rflags, sizeof(std::uint32_t));
}

class Packer {
  public:
    explicit Packer(std::size_t size) { bytes_.reserve(size); }
    void bytes(const std::byte* from, std::size_t size) {
        bytes_.append(reinterpret_cast<const char*>(from), size);
    }
    void word(std::uint32_t value) { bytes(reinterpret_cast<const std::byte*>(&value), sizeof value); }
    std::string take() { return std::move(bytes_); }

  private:
    std::string bytes_;
};

class Unpacker {
  public:
    explicit Unpacker(std::string_view bytes) : left_(bytes) {}
    void bytes(std::byte* to, std::size_t size) {
        std::memcpy(to, left_.data(), size);
        skip(size);
    }
    std::uint32_t word() {
        std::uint32_t value = 0;
        bytes(reinterpret_cast<std::byte*>(&value), sizeof value);
        return value;
    }
    void skip(std::size_t size) { left_.remove_prefix(size); }
    [[nodiscard]] std::size_t left() const { return left_.size(); }

  private:
    std::string_view left_;
};

template <typename T>
void store(std::array<std::byte, 416>& image, std::size_t offset, T value) {
    std::memcpy(&image[offset], &value, sizeof value);
}

}  // namespace

RegisterFile::RegisterFile(Vectors vectors) {
    add_core();
    add_vectors(vectors);
}

void RegisterFile::add(const char* feature, std::string name, unsigned bits, const char* type,
                       const char* group) {
    rows_.push_back({std::move(name), type, feature, group, bits, size_});
    size_ += bits / 8;
}

void RegisterFile::add_core() {
    for (const std::string name : kGeneralNames) {
        const bool stack = name == "rbp" || name == "rsp";
        add(kCore, name, 64, name == "rip" ? "code_ptr" : stack ? "data_ptr" : "int64");
    }
    add(kCore, "eflags", 32, "i386_eflags");
    for (const char* const name : kSegmentNames)
        add(kCore, name, 32, "int32");
    for (unsigned i = 0; i < kStackRegisters; ++i)
        add(kCore, "st" + std::to_string(i), 80, "i387_ext");
    for (const char* const name : {"fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop"})
        add(kCore, name, 32, "int", "float");
}

void RegisterFile::add_vectors(Vectors vectors) {
    for (unsigned i = 0; i < kVectorRegisters; ++i)
        add(kSse, "xmm" + std::to_string(i), 128, "vec128");
    add(kSse, "mxcsr", 32, "i386_mxcsr", "vector");
    add(kLinux, "orig_rax", 64, "int");
    add(kSegments, "fs_base", 64, "int");
    add(kSegments, "gs_base", 64, "int");
    if (vectors == Vectors::kSse) return;
    for (unsigned i = 0; i < kVectorRegisters; ++i)
        add(kAvx, "ymm" + std::to_string(i) + "h", 128, "uint128");
}

std::string RegisterFile::pack(const RegisterSet& registers) const {
    const auto& image = registers.floating;
    Packer to(size_);
    visit_general(registers, [&](const std::uint64_t& value, std::size_t size) {
        to.bytes(reinterpret_cast<const std::byte*>(&value), size);
    });
    for (const std::uint32_t selector : kSelectors)
        to.word(selector);
    for (unsigned i = 0; i < kStackRegisters; ++i)
        to.bytes(&image[fxsave::kStack + i * kVectorSize], kStackRegisterSize);
    to.word(load<std::uint16_t>(&image[fxsave::kControl]));
    to.word(load<std::uint16_t>(&image[fxsave::kStatus]));
    to.word(full_tag_word(image));
    to.word(load<std::uint16_t>(&image[fxsave::kInstructionSegment]));
    to.word(load<std::uint32_t>(&image[fxsave::kInstruction]));
    to.word(load<std::uint16_t>(&image[fxsave::kOperandSegment]));
    to.word(load<std::uint32_t>(&image[fxsave::kOperand]));
    to.word(load<std::uint16_t>(&image[fxsave::kOpcode]));
    to.bytes(&image[fxsave::kXmm], kVectorRegisters * kVectorSize);
    to.word(load<std::uint32_t>(&image[fxsave::kMxcsr]));
    for (const std::uint64_t value :
         {registers.original_rax, registers.general.fs_base, registers.general.gs_base})
        to.bytes(reinterpret_cast<const std::byte*>(&value), sizeof value);
    std::string packed = to.take();
    const std::size_t upper = size_ - packed.size();
    return packed.append(reinterpret_cast<const char*>(registers.upper_halves.data()), upper);
}

Result<void> RegisterFile::unpack(std::string_view packed, RegisterSet& registers) const {
    if (packed.size() != size_) return fail(Errno::kEINVAL);
    auto& image = registers.floating;
    Unpacker from(packed);
    visit_general(registers, [&](std::uint64_t& value, std::size_t size) {
        value = 0;
        from.bytes(reinterpret_cast<std::byte*>(&value), size);
    });
    from.skip(sizeof kSelectors);
    for (unsigned i = 0; i < kStackRegisters; ++i)
        from.bytes(&image[fxsave::kStack + i * kVectorSize], kStackRegisterSize);
    store(image, fxsave::kControl, static_cast<std::uint16_t>(from.word()));
    store(image, fxsave::kStatus, static_cast<std::uint16_t>(from.word()));
    store(image, fxsave::kTag, short_tag_word(from.word()));
    store(image, fxsave::kInstructionSegment, static_cast<std::uint16_t>(from.word()));
    store(image, fxsave::kInstruction, from.word());
    store(image, fxsave::kOperandSegment, static_cast<std::uint16_t>(from.word()));
    store(image, fxsave::kOperand, from.word());
    store(image, fxsave::kOpcode, static_cast<std::uint16_t>(from.word()));
    from.bytes(&image[fxsave::kXmm], kVectorRegisters * kVectorSize);
    store(image, fxsave::kMxcsr, from.word());
    for (std::uint64_t* const value :
         {&registers.original_rax, &registers.general.fs_base, &registers.general.gs_base})
        from.bytes(reinterpret_cast<std::byte*>(value), sizeof *value);
    from.bytes(registers.upper_halves.data(), from.left());
    return {};
}

std::string RegisterFile::target_xml() const {
    std::string xml =
        "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target>\n"
        "<architecture>i386:x86-64</architecture>\n<osabi>GNU/Linux</osabi>\n";
    std::string_view feature;
    for (std::size_t number = 0; number < rows_.size(); ++number) {
        const RegisterRow& row = rows_[number];
        if (feature != row.feature) {
            if (!feature.empty()) xml += "</feature>\n";
            feature = row.feature;
            xml.append("<feature name=\"").append(feature).append("\">\n");
            if (feature == kCore) xml += kCoreTypes;
            if (feature == kSse) xml += kSseTypes;
        }
        xml += "<reg name=\"" + row.name + "\" bitsize=\"" + std::to_string(row.bits) + "\" type=\"" +
               row.type + "\" regnum=\"" + std::to_string(number) + "\"";
        if (row.group != nullptr) xml.append(" group=\"").append(row.group).append("\"");
        xml += "/>\n";
    }
    return xml + "</feature>\n</target>\n";
}

}  // namespace halfcell::gdb
