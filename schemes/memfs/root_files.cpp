#include "schemes/memfs/root_files.h"

#include <string_view>

namespace halfcell::memfs {

namespace {

using abi::OpenFlags;

struct Directory {
    std::string_view path;
    std::uint16_t mode;
};
constexpr Directory kDirectories[] = {
    {"bin", 0755},      {"dev", 0755},       {"etc", 0755},     {"home", 0755}, {"lib", 0755},
    {"root", 0700},     {"tmp", 01777},      {"usr", 0755},     {"var", 0755},  {"usr/share/zoneinfo", 0755},
    {"var/tmp", 01777}, {"home/user", 0755}, {"var/log", 0755},
};

struct Link {
    std::string_view path;
    std::string_view target;
};
// libc reads the name of the time zone from where the link leads.
constexpr Link kLinks[] = {
    {"usr/bin", "../bin"},
    {"usr/lib", "../lib"},
    {"share", "usr/share"},
    {"etc/localtime", "/usr/share/zoneinfo/UTC"},
};
// Devices are other schemes; libc:… never reaches a scheme, libc knows what it means.
constexpr Link kDevices[] = {
    {"null", "/scheme/null"},    {"zero", "/scheme/zero"},  {"random", "/scheme/rand"},
    {"urandom", "/scheme/rand"}, {"tty", "libc:tty"},       {"stdin", "libc:stdin"},
    {"stdout", "libc:stdout"},   {"stderr", "libc:stderr"},
};

struct Text {
    std::string_view path;
    std::string_view text;
};
// Redox separates the fields of its user database with semicolons.
// Source: relibc:src/header/pwd/redox.rs, relibc:src/header/grp.
constexpr Text kTexts[] = {
    {"etc/passwd", "root;0;0;root;/root;/bin/sh\nuser;1000;1000;user;/home/user;/bin/sh\n"},
    {"etc/group", "root;x;0;root\nuser;x;1000;user\n"},
    {"etc/hosts", "127.0.0.1 localhost\n"},
};

// Of the user of that name in etc/passwd.
constexpr std::uint32_t kUser = 1000;

// A time zone without changes: two headers (one type, four bytes of name) with their data, and the rule.
// Source: RFC 8536.
std::string utc_zone() {
    const std::string counts =
        std::string(15, '\0') + std::string(16, '\0') + std::string("\0\0\0\1\0\0\0\4", 8);
    const std::string block = "TZif2" + counts + std::string(6, '\0') + std::string("UTC\0", 4);
    return block + block + "\nUTC0\n";
}

Result<void> write_text(MemVolume& volume, std::string_view path, std::string_view text) {
    const std::uint64_t flags = OpenFlags::kCreat | OpenFlags::kWronly | 0644;
    const auto reached = TRY(volume.open(path, {.flags = flags, .caller = {}}));
    TRY(std::get<file::NodeRef>(reached)->write(0, file::WriteAt::kOffset, file::Durability::kCached,
                                                mem::UserIn::local(text)));
    return {};
}

Result<void> give_to_user(MemVolume& volume, std::string_view path) {
    const auto reached = TRY(volume.open(path, {.flags = OpenFlags::kStat, .caller = {}}));
    return std::get<file::NodeRef>(reached)->chown({}, kUser, kUser);
}

}  // namespace

Result<void> add_device_links(MemVolume& volume, const std::string& directory) {
    for (const Link& link : kDevices)
        TRY(volume.add_link((directory.empty() ? "" : directory + "/") + std::string(link.path),
                            link.target));
    return {};
}

Result<void> add_root_files(MemVolume& volume, const std::vector<FixedFile>& programs,
                            const std::string& host_name) {
    for (const Directory& directory : kDirectories)
        TRY(volume.add_directory(directory.path, directory.mode));
    for (const Link& link : kLinks)
        TRY(volume.add_link(link.path, link.target));
    for (const Text& text : kTexts)
        TRY(write_text(volume, text.path, text.text));
    TRY(add_device_links(volume, "dev"));
    TRY(give_to_user(volume, "home/user"));
    TRY(write_text(volume, "usr/share/zoneinfo/UTC", utc_zone()));
    TRY(write_text(volume, "etc/hostname", host_name));
    for (const FixedFile& program : programs)
        TRY(volume.add_file(program.path, program.bytes, 0755));
    return {};
}

}  // namespace halfcell::memfs
