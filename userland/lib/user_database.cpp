#include "userland/lib/user_database.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "userland/lib/number.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"

namespace halfcell::userland {
namespace {

struct Entry {
    std::string name;
    std::uint64_t id;
};

std::string_view take_field(std::string_view& line) {
    const std::size_t end = std::min(line.find_first_of(";:"), line.size());
    const std::string_view field = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return field;
}

// Redox has a password field in its groups, other systems (with colons) in both.
std::vector<Entry> read_database(std::string_view path, bool has_password_always) {
    std::vector<Entry> entries;
    const Result<UniqueFd> file = open_file(path, abi::OpenFlags::kRdonly | abi::OpenFlags::kCloexec);
    if (!file) return entries;
    std::string text;
    if (!read_rest(file->fd(), text)) return entries;
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const bool foreign = line.substr(0, line.find(';')).find(':') != std::string_view::npos;
        const std::string_view name = take_field(line);
        if (has_password_always || foreign) (void)take_field(line);
        if (const auto id = parse_unsigned(take_field(line))) entries.push_back({std::string(name), *id});
    }
    return entries;
}

std::string name_of(const std::vector<Entry>& entries, std::uint32_t id) {
    for (const Entry& entry : entries) {
        if (entry.id == id) return entry.name;
    }
    return decimal(id);
}

}  // namespace

std::string user_name(std::uint32_t uid) {
    static const std::vector<Entry> kUsers = read_database("/etc/passwd", false);
    return name_of(kUsers, uid);
}

std::string group_name(std::uint32_t gid) {
    static const std::vector<Entry> kGroups = read_database("/etc/group", true);
    return name_of(kGroups, gid);
}

}  // namespace halfcell::userland
