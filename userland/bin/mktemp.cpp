// mktemp: makes a file or directory with a name nobody else has.

#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/path.h"

namespace halfcell::userland {
namespace {

constexpr Option kOptions[] = {
    {'d', "directory", Value::kNone, "", "make a directory"},
    {'p', "tmpdir", Value::kRequired, "DIR", "make it in DIR"},
    {'q', "quiet", Value::kNone, "", "no message where it fails"},
    {'t', "", Value::kNone, "", "make it in $TMPDIR"},
    {'u', "dry-run", Value::kNone, "", "only print a name"},
};
constexpr Usage kUsage{
    "mktemp", "[OPTION]... [TEMPLATE]",
    "Makes an empty file (mode 0600) and prints its name: TEMPLATE (tmp.XXXXXXXXXX in $TMPDIR or\n"
    "/tmp) with each X of its end replaced.",
    kOptions};

constexpr int kAttempts = 100;

std::string random_letters(std::size_t count) {
    constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const Result<UniqueFd> source =
        open_file("/scheme/rand", abi::OpenFlags::kRdonly | abi::OpenFlags::kCloexec);
    if (!source) give_up(1, "no random numbers: ", error_sentence(source.error()));
    std::string text(count, '\0');
    if (const auto read = sys_read(source->fd(), std::as_writable_bytes(std::span(text)));
        !read || *read != count)
        give_up(1, "no random numbers");
    for (char& c : text)
        c = kLetters[static_cast<unsigned char>(c) % kLetters.size()];
    return text;
}

Result<void> make(const std::string& path, bool directory) {
    if (directory) return make_directory(path, 0700);
    RT_TRY(open_file(
        path,
        abi::OpenFlags::kRdwr | abi::OpenFlags::kCreat | abi::OpenFlags::kExcl | abi::OpenFlags::kCloexec,
        0600));
    return {};
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 0, 1);
    const std::string_view given = environment_variable("TMPDIR");
    std::string_view directory = given.empty() ? std::string_view("/tmp") : given;
    directory = line.value_of('p', directory);
    std::string name(line.operands.empty() ? std::string_view("tmp.XXXXXXXXXX") : line.operands[0]);
    if (line.operands.empty() || line.has('p') || line.has('t')) name = join_path(directory, name);
    const std::size_t kept = name.find_last_not_of('X') + 1;
    const std::size_t count = name.size() - kept;
    if (count < 3) give_up(1, "too few X's in template ", quoted(name));
    Result<void> made = Errno::kEEXIST;
    for (int attempt = 0; attempt < kAttempts && !made && made.error() == Errno::kEEXIST; ++attempt) {
        name.replace(kept, count, random_letters(count));
        if (line.has('u')) break;
        made = make(name, line.has('d'));
    }
    if (!made && !line.has('u')) {
        if (line.has('q')) return 1;
        give_up(1, "failed to create ", quoted(name), ": ", error_sentence(made.error()));
    }
    out().print(name, '\n');
    return 0;
}

}  // namespace halfcell::userland
