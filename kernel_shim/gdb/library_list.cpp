#include "kernel_shim/gdb/library_list.h"

#include <elf.h>

#include <cstring>
#include <optional>

#include "abi/auxv.h"
#include "abi/flags.h"

namespace halfcell::gdb {

namespace {

// What debuggers and linkers have agreed upon: struct r_debug and struct link_map of <link.h>.
struct DebugHead {
    std::uint64_t version;  // 32 bits and padding
    std::uint64_t first;
};
struct LinkMap {
    std::uint64_t load_bias;
    std::uint64_t name;
    std::uint64_t dynamic;
    std::uint64_t next;
    std::uint64_t previous;
};

// It is the program's memory, where anything may stand.
constexpr std::size_t kMostHeaders = 64;
constexpr std::size_t kMostEntries = 256;
constexpr std::size_t kMostLibraries = 1000;
constexpr std::size_t kLongestName = 4096;

class Memory {
  public:
    Memory(Target& target, std::uint64_t process) : target_(target), process_(process) {}

    template <typename T>
    std::optional<T> load(std::uint64_t address) const {
        T value;
        const auto bytes = std::as_writable_bytes(std::span(&value, 1));
        const auto read = target_.read_memory(process_, address, bytes);
        if (!read || *read != bytes.size()) return std::nullopt;
        return value;
    }
    [[nodiscard]] std::string string(std::uint64_t address) const {
        std::string text;
        while (text.size() < kLongestName) {
            const auto byte = load<char>(address + text.size());
            if (!byte || *byte == '\0') break;
            text.push_back(*byte);
        }
        return text;
    }

  private:
    Target& target_;
    std::uint64_t process_;
};

std::optional<std::uint64_t> auxiliary_value(std::string_view vector, std::uint64_t key) {
    abi::AuxvEntry entry{};
    for (; vector.size() >= sizeof entry; vector.remove_prefix(sizeof entry)) {
        std::memcpy(&entry, vector.data(), sizeof entry);
        if (entry.key == key) return entry.value;
    }
    return std::nullopt;
}

// Where the dynamic section of the program lies.
std::optional<std::uint64_t> find_dynamic_section(const Memory& memory, std::string_view auxiliary) {
    const auto headers = auxiliary_value(auxiliary, abi::Auxv::kPhdr);
    const auto count = auxiliary_value(auxiliary, abi::Auxv::kPhnum);
    if (!headers || !count || *count > kMostHeaders) return std::nullopt;
    std::optional<std::uint64_t> bias;
    std::optional<std::uint64_t> dynamic;
    for (std::uint64_t i = 0; i < *count; ++i) {
        const auto header = memory.load<Elf64_Phdr>(*headers + i * sizeof(Elf64_Phdr));
        if (!header) return std::nullopt;
        if (header->p_type == PT_PHDR) bias = *headers - header->p_vaddr;
        // Without an entry of their own the headers are taken to be in the first page, as every linker has
        // it.
        if (header->p_type == PT_LOAD && header->p_offset == 0 && !bias)
            bias = *headers / abi::kPageSize * abi::kPageSize - header->p_vaddr;
        if (header->p_type == PT_DYNAMIC) dynamic = header->p_vaddr;
    }
    if (!bias || !dynamic) return std::nullopt;
    return *bias + *dynamic;
}

std::optional<DebugHead> head_at(const Memory& memory, std::uint64_t address) {
    constexpr std::uint32_t kNewestVersion = 2;
    const auto head = memory.load<DebugHead>(address);
    if (!head) return std::nullopt;
    const auto version = static_cast<std::uint32_t>(head->version);
    return version >= 1 && version <= kNewestVersion ? head : std::nullopt;
}

// The first link map; 0 where there is none yet.
std::uint64_t find_first_map(const Memory& memory, std::uint64_t dynamic_section) {
    constexpr std::uint64_t kLockSize = 8;
    for (std::size_t i = 0; i < kMostEntries; ++i) {
        const auto entry = memory.load<Elf64_Dyn>(dynamic_section + i * sizeof(Elf64_Dyn));
        if (!entry || entry->d_tag == DT_NULL) return 0;
        if (entry->d_tag != DT_DEBUG) continue;
        if (entry->d_un.d_ptr == 0) return 0;
        auto head = head_at(memory, entry->d_un.d_ptr);
        if (!head) head = head_at(memory, entry->d_un.d_ptr + kLockSize);
        // A lock that is held looks like a version, but not like one with a list.
        if (head && head->first < abi::kPageSize) head = head_at(memory, entry->d_un.d_ptr + kLockSize);
        return head && head->first >= abi::kPageSize ? head->first : 0;
    }
    return 0;
}

std::string attribute(std::string_view name, std::uint64_t value) {
    return std::string(name) + "=\"0x" + hex_number(value) + "\" ";
}

}  // namespace

Result<std::string> library_list_xml(Target& target, std::uint64_t process) {
    const auto auxiliary = target.auxiliary_vector(process);
    if (!auxiliary && auxiliary.error() == Errno::kESRCH) return fail(Errno::kESRCH);
    const Memory memory(target, process);
    const auto section =
        auxiliary ? find_dynamic_section(memory, *auxiliary) : std::optional<std::uint64_t>();
    const std::uint64_t first = section ? find_first_map(memory, *section) : 0;

    std::string xml = "<library-list-svr4 version=\"1.0\"";
    // gdb leaves the program itself out of the list.
    if (first != 0) xml += " " + attribute("main-lm", first);
    xml += ">\n";
    std::uint64_t at = first;
    for (std::size_t count = 0; at != 0 && count < kMostLibraries; ++count) {
        const auto map = memory.load<LinkMap>(at);
        if (!map) break;
        if (at != first)
            xml += "<library name=\"" + xml_text(memory.string(map->name)) + "\" " + attribute("lm", at) +
                   attribute("l_addr", map->load_bias) + attribute("l_ld", map->dynamic) +
                   attribute("lmid", 0) + "/>\n";
        at = map->next;
    }
    return xml + "</library-list-svr4>\n";
}

std::string xml_text(std::string_view text) {
    std::string escaped;
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (character == '&')
            escaped += "&amp;";
        else if (character == '<')
            escaped += "&lt;";
        else if (character == '"')
            escaped += "&quot;";
        else if (byte < ' ' || byte > '~')
            escaped += '?';
        else
            escaped += character;
    }
    return escaped;
}

}  // namespace halfcell::gdb
