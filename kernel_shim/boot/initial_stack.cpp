#include "kernel_shim/boot/initial_stack.h"

#include <span>

#include "abi/auxv.h"

namespace halfcell::boot {

namespace {

constexpr std::uint64_t kStackBase = machine::kUserEnd - kStackSize;

// Strings one after the other, each ended by NUL; remembers where each begins.
class StringBlock {
  public:
    std::uint64_t add(const std::string& text) {
        const std::uint64_t at = bytes_.size();
        bytes_ += text;
        bytes_.push_back('\0');
        return at;
    }
    [[nodiscard]] const std::string& bytes() const { return bytes_; }

  private:
    std::string bytes_;
};

}  // namespace

Result<std::uint64_t> build_initial_stack(mem::AddressSpace& space, const InitialStackContent& content) {
    StringBlock block;
    const std::uint64_t directory_at = block.add(content.working_directory);
    std::vector<std::uint64_t> environment_at;
    for (const std::string& entry : content.environment)
        environment_at.push_back(block.add(entry));
    std::vector<std::uint64_t> arguments_at;
    for (const std::string& argument : content.arguments)
        arguments_at.push_back(block.add(argument));

    const std::uint64_t block_size = machine::page_round_up(block.bytes().size());
    const std::uint64_t strings = TRY(
        space.map({.size = block_size, .protection = {.write = true}}, {.kind = mem::GrantKind::kPrivate}));
    TRY(space.write(strings, std::as_bytes(std::span(block.bytes()))));

    std::vector<std::uint64_t> words;
    words.push_back(content.arguments.size());
    for (const std::uint64_t at : arguments_at)
        words.push_back(strings + at);
    words.push_back(0);
    for (const std::uint64_t at : environment_at)
        words.push_back(strings + at);
    words.push_back(0);
    for (const auto& [key, value] : content.auxiliary) {
        words.push_back(key);
        words.push_back(value);
    }
    words.push_back(abi::Auxv::kRedoxInitialCwdPtr);
    words.push_back(strings + directory_at);
    words.push_back(abi::Auxv::kRedoxInitialCwdLen);
    words.push_back(content.working_directory.size());
    words.push_back(abi::Auxv::kNull);
    words.push_back(0);

    const std::uint64_t bytes = words.size() * sizeof(std::uint64_t);
    if (bytes > kStackSize / 4) return fail(Errno::kE2BIG);
    TRY(space.map({.address = kStackBase,
                   .size = kStackSize,
                   .placement = mem::Placement::kFixedNoReplace,
                   .protection = {.write = true}},
                  {.kind = mem::GrantKind::kPrivate}));
    const std::uint64_t pointer = (machine::kHostUserEnd - bytes) & ~std::uint64_t{15};
    TRY(space.write(pointer, std::as_bytes(std::span(words))));
    return pointer;
}

}  // namespace halfcell::boot
