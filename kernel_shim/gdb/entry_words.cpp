#include "kernel_shim/gdb/entry_words.h"

#include <cstring>

#include "abi/auxv.h"

namespace halfcell::gdb {

namespace {

// The program may have written anything there since.
constexpr std::size_t kMostWords = 4096;
constexpr std::size_t kLongestString = 4096;

class WordReader {
  public:
    WordReader(const mem::AddressSpace& space, std::uint64_t at) : space_(space), at_(at) {}

    Result<std::uint64_t> next() {
        if (++words_ > kMostWords) return fail(Errno::kENOENT);
        std::uint64_t word = 0;
        if (!space_.read(at_, std::as_writable_bytes(std::span(&word, 1)))) return fail(Errno::kENOENT);
        at_ += sizeof word;
        return word;
    }
    // Strings whose addresses come next, up to a null.
    Result<std::vector<std::string>> strings() {
        std::vector<std::string> list;
        while (const std::uint64_t address = TRY(next()))
            list.push_back(TRY(string(address)));
        return list;
    }

  private:
    Result<std::string> string(std::uint64_t address) const {
        std::string text;
        std::byte byte{};
        while (text.size() < kLongestString) {
            if (!space_.read(address + text.size(), {&byte, 1})) return fail(Errno::kENOENT);
            if (byte == std::byte{}) return text;
            text.push_back(static_cast<char>(byte));
        }
        return text;
    }

    const mem::AddressSpace& space_;
    std::uint64_t at_;
    std::size_t words_ = 0;
};

}  // namespace

Result<EntryWords> read_entry_words(const mem::AddressSpace& space, std::uint64_t stack_pointer) {
    WordReader reader(space, stack_pointer);
    EntryWords words;
    const std::uint64_t count = TRY(reader.next());
    words.arguments = TRY(reader.strings());
    if (words.arguments.size() != count) return fail(Errno::kENOENT);
    words.environment = TRY(reader.strings());
    for (;;) {
        const std::uint64_t pair[] = {TRY(reader.next()), TRY(reader.next())};
        words.auxiliary.append(reinterpret_cast<const char*>(pair), sizeof pair);
        if (pair[0] == abi::Auxv::kNull) return words;
    }
}

}  // namespace halfcell::gdb
