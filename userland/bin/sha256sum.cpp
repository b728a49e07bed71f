// sha256sum: computes and checks SHA-256 digests.

#include "userland/lib/sha256.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

constexpr int kTag = kLongOnly;
constexpr int kQuiet = kLongOnly + 1;
constexpr int kStatus = kLongOnly + 2;
constexpr int kIgnoreMissing = kLongOnly + 3;
constexpr Option kOptions[] = {
    {'b', "binary", Value::kNone, "", "mark the name with *"},
    {'c', "check", Value::kNone, "", "read digests from the FILEs and check them"},
    {kIgnoreMissing, "ignore-missing", Value::kNone, "", "with -c: missing files are no failure"},
    {kQuiet, "quiet", Value::kNone, "", "with -c: no OK for each file"},
    {kStatus, "status", Value::kNone, "", "with -c: no output, only the status"},
    {kTag, "tag", Value::kNone, "", "in the style of BSD"},
    {'t', "text", Value::kNone, "", "no mark (the default)"},
    {'w', "warn", Value::kNone, "", ""},
    {'z', "zero", Value::kNone, "", "end each line with a NUL"},
};
constexpr Usage kUsage{
    "sha256sum", "[OPTION]... [FILE]...",
    "Prints the SHA-256 digest of each FILE, or checks them. No FILE, or -, is standard input.", kOptions};

Result<std::string> digest_of(Fd file) {
    Sha256 sum;
    for (;;) {
        const std::size_t count = RT_TRY(read_some(file, transfer_buffer()));
        if (count == 0) return hex_digest(sum.finish());
        sum.update(transfer_buffer().first(count));
    }
}

// Digest of a file; complains and returns an empty text on failure.
std::string digest_or_complain(std::string_view path) {
    UniqueFd file;
    if (!open_input(path, file)) return {};
    const Result<std::string> digest = digest_of(file.fd());
    if (digest) return *digest;
    complain_about(path, digest.error());
    return {};
}

struct Entry {
    std::string digest;
    std::string_view path;
};

bool is_digest(std::string_view text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

// "DIGEST  NAME", "DIGEST *NAME" or "SHA256 (NAME) = DIGEST".
std::optional<Entry> parse_entry(std::string_view line) {
    constexpr std::string_view kTagStart = "SHA256 (";
    Entry entry;
    std::string_view digest;
    if (line.starts_with(kTagStart)) {
        const std::size_t close = line.rfind(") = ");
        if (close == std::string_view::npos) return {};
        entry.path = line.substr(kTagStart.size(), close - kTagStart.size());
        digest = line.substr(close + 4);
    } else {
        if (line.size() < 67 || line[64] != ' ' || (line[65] != ' ' && line[65] != '*')) return {};
        digest = line.substr(0, 64);
        entry.path = line.substr(66);
    }
    if (!is_digest(digest)) return {};
    for (const char c : digest)
        entry.digest.push_back(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
    return entry;
}

class Checker {
  public:
    explicit Checker(const CommandLine& line) : line_(line) {}

    void check_list(std::string_view path) {
        UniqueFd list;
        if (!open_input(path, list)) return;
        LineReader reader(list.fd());
        std::uint64_t known = 0;
        for (;;) {
            const Result<std::optional<Line>> next = reader.next();
            if (!next) complain_about(path, next.error());
            if (!next || !*next) break;
            const std::string text((*next)->text);
            if (text.empty() || text.starts_with('#')) continue;
            const auto entry = parse_entry(text);
            if (!entry) {
                ++malformed_;
                continue;
            }
            ++known;
            check(*entry);
        }
        if (known == 0) complain(path, ": no properly formatted checksum lines found");
    }

    void summarize() const {
        if (mismatched_ > 0 || unreadable_ > 0) set_tool_status(1);
        if (line_.has(kStatus)) return;
        warn(malformed_, " line is improperly formatted", " lines are improperly formatted");
        warn(unreadable_, " listed file could not be read", " listed files could not be read");
        warn(mismatched_, " computed checksum did NOT match", " computed checksums did NOT match");
    }

  private:
    static void warn(std::uint64_t count, std::string_view one, std::string_view many) {
        const int status = tool_status();
        if (count > 0) complain("WARNING: ", count, count == 1 ? one : many);
        set_tool_status(status);
    }

    void check(const Entry& entry) {
        if (line_.has(kIgnoreMissing) && entry.path != "-" && !stat_file(entry.path)) return;
        const std::string digest = digest_or_complain(entry.path);
        const bool silent = line_.has(kStatus);
        if (digest.empty()) {
            ++unreadable_;
            if (!silent) out().print(entry.path, ": FAILED open or read\n");
        } else if (digest != entry.digest) {
            ++mismatched_;
            if (!silent) out().print(entry.path, ": FAILED\n");
        } else if (!silent && !line_.has(kQuiet)) {
            out().print(entry.path, ": OK\n");
        }
    }

    const CommandLine& line_;
    std::uint64_t malformed_ = 0;
    std::uint64_t unreadable_ = 0;
    std::uint64_t mismatched_ = 0;
};

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    if (line.has('c')) {
        Checker checker(line);
        for (const std::string_view path : files_or_stdin(line))
            checker.check_list(path);
        checker.summarize();
        return tool_status();
    }
    const char end = line.has('z') ? '\0' : '\n';
    for (const std::string_view path : files_or_stdin(line)) {
        const std::string digest = digest_or_complain(path);
        if (digest.empty()) continue;
        if (line.has(kTag)) {
            out().print("SHA256 (", path, ") = ", digest, end);
        } else {
            out().print(digest, line.has('b') ? " *" : "  ", path, end);
        }
    }
    return tool_status();
}

}  // namespace halfcell::userland
