#include "schemes/memfs/root_files.h"

#include <string_view>

namespace halfcell::memfs {

namespace {

struct Directory {
    std::string_view path;
    std::uint16_t mode;
};
constexpr Directory kDirectories[] = {
    {"bin", 0755},  {"dev", 0755}, {"etc", 0755}, {"home", 0755},     {"root", 0700},
    {"tmp", 01777}, {"usr", 0755}, {"var", 0755}, {"var/tmp", 01777}, {"var/log", 0755},
};

struct Link {
    std::string_view path;
    std::string_view target;
};
// Devices are other schemes; libc:… never reaches a scheme, libc knows what it means.
constexpr Link kLinks[] = {
    {"usr/bin", "../bin"},          {"dev/null", "/scheme/null"},    {"dev/zero", "/scheme/zero"},
    {"dev/random", "/scheme/rand"}, {"dev/urandom", "/scheme/rand"}, {"dev/tty", "libc:tty"},
    {"dev/stdin", "libc:stdin"},    {"dev/stdout", "libc:stdout"},   {"dev/stderr", "libc:stderr"},
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

Result<void> write_text(MemVolume& volume, std::string_view path, std::string_view text) {
    using abi::OpenFlags;
    const std::uint64_t flags = OpenFlags::kCreat | OpenFlags::kWronly | 0644;
    const auto reached = TRY(volume.open(path, {.flags = flags, .caller = {}}));
    TRY(std::get<file::NodeRef>(reached)->write(0, file::WriteAt::kOffset, file::Durability::kCached,
                                                mem::UserIn::local(text)));
    return {};
}

}  // namespace

Result<void> add_root_files(MemVolume& volume, const std::vector<FixedFile>& programs,
                            const std::string& host_name) {
    for (const Directory& directory : kDirectories)
        TRY(volume.add_directory(directory.path, directory.mode));
    for (const Link& link : kLinks)
        TRY(volume.add_link(link.path, link.target));
    for (const Text& text : kTexts)
        TRY(write_text(volume, text.path, text.text));
    TRY(write_text(volume, "etc/hostname", host_name));
    for (const FixedFile& program : programs)
        TRY(volume.add_file(program.path, program.bytes, 0755));
    return {};
}

}  // namespace halfcell::memfs
