#include "userland/lib/copy.h"

#include <array>

#include "userland/lib/tool.h"
#include "userland/rt/directory.h"
#include "userland/rt/file.h"
#include "userland/rt/input.h"
#include "userland/rt/path.h"

namespace halfcell::userland {
namespace {

using abi::OpenFlags;

abi::TimeSpec access_time(const abi::Stat& stat) {
    return {static_cast<std::int64_t>(stat.st_atime_sec), static_cast<std::int32_t>(stat.st_atime_nsec)};
}
abi::TimeSpec modification_time(const abi::Stat& stat) {
    return {static_cast<std::int64_t>(stat.st_mtime_sec), static_cast<std::int32_t>(stat.st_mtime_nsec)};
}

bool is_newer(const abi::Stat& a, const abi::Stat& b) {
    if (a.st_mtime_sec != b.st_mtime_sec) return a.st_mtime_sec > b.st_mtime_sec;
    return a.st_mtime_nsec > b.st_mtime_nsec;
}

bool fail(std::string_view what, std::string_view path, Errno error) {
    complain(what, quoted(path), ": ", error_sentence(error));
    return false;
}

// Copies until the end of the source. Says which side failed.
bool copy_contents(Fd from, Fd to, const std::string& source, const std::string& target) {
    for (;;) {
        const Result<std::size_t> count = read_some(from, transfer_buffer());
        if (!count) return fail("error reading ", source, count.error());
        if (*count == 0) return true;
        const Result<void> written = write_all(to, as_text(transfer_buffer().first(*count)));
        if (!written) return fail("error writing ", target, written.error());
    }
}

}  // namespace

std::string target_of(std::string_view source, std::string_view target, bool target_is_directory) {
    if (!target_is_directory) return std::string(target);
    const std::string_view name = base_name(source);
    return name == ".." || name == "." || name == "/" ? std::string(target) : join_path(target, name);
}

bool Copier::copy(const std::string& source, const std::string& target) {
    return copy_entry(source, target, true);
}

void Copier::report(const std::string& source, const std::string& target) const {
    if (options_.verbose) out().print(quoted(source), " -> ", quoted(target), '\n');
}

bool Copier::copy_entry(const std::string& source, const std::string& target, bool operand) {
    const bool follow = options_.links == CopyOptions::Links::kFollow ||
                        (options_.links == CopyOptions::Links::kFollowOperands && operand);
    const Result<abi::Stat> stat = stat_file(source, follow ? FollowLinks::kYes : FollowLinks::kNo);
    if (!stat) return fail("cannot stat ", source, stat.error());
    const Result<abi::Stat> found = stat_file(target, follow ? FollowLinks::kYes : FollowLinks::kNo);
    const abi::Stat* existing = found ? &*found : nullptr;

    if (is_directory(*stat)) {
        if (!options_.recursive) {
            complain("-r not specified; omitting directory ", quoted(source));
            return false;
        }
        return copy_directory(source, target, *stat, existing);
    }
    if (existing != nullptr) {
        if (same_file(*stat, *existing) && !options_.hard_links) {
            complain(quoted(source), " and ", quoted(target), " are the same file");
            return false;
        }
        if (is_directory(*existing)) {
            complain("cannot overwrite directory ", quoted(target), " with non-directory");
            return false;
        }
        if (!wanted(target, *stat, existing)) return true;
    }
    if (options_.hard_links || options_.symbolic_links) return link_instead(source, target, existing);
    if (const std::string* earlier = earlier_copy(*stat, target)) {
        if (existing != nullptr) (void)remove_file(target);
        const Result<void> linked = make_hard_link(*earlier, target);
        if (!linked) return fail("cannot create hard link ", target, linked.error());
        report(source, target);
        return true;
    }
    if (is_symbolic_link(*stat)) return copy_link(source, target, *stat, existing);
    return copy_regular(source, target, *stat, existing);
}

bool Copier::wanted(const std::string& target, const abi::Stat& stat, const abi::Stat* existing) {
    if (options_.no_clobber) return false;
    if (options_.update && !is_newer(stat, *existing)) return false;
    return !options_.interactive || confirmed(concat("overwrite ", quoted(target), "? "));
}

// The target of a file with several names that has been copied already; remembers it otherwise.
const std::string* Copier::earlier_copy(const abi::Stat& stat, const std::string& target) {
    if (!options_.keep_links || stat.st_nlink < 2) return nullptr;
    for (const Seen& seen : seen_) {
        if (seen.device == stat.st_dev && seen.inode == stat.st_ino) return &seen.target;
    }
    seen_.push_back({stat.st_dev, stat.st_ino, target});
    return nullptr;
}

bool Copier::link_instead(const std::string& source, const std::string& target, const abi::Stat* existing) {
    if (existing != nullptr && options_.force) (void)remove_file(target);
    const Result<void> linked =
        options_.hard_links ? make_hard_link(source, target) : make_symbolic_link(source, target);
    if (!linked)
        return fail(options_.hard_links ? "cannot create hard link " : "cannot create symbolic link ", target,
                    linked.error());
    report(source, target);
    return true;
}

bool Copier::copy_link(const std::string& source, const std::string& target, const abi::Stat& stat,
                       const abi::Stat* existing) {
    const Result<std::string> text = read_symbolic_link(source);
    if (!text) return fail("cannot read symbolic link ", source, text.error());
    if (existing != nullptr) (void)remove_file(target);
    const Result<void> made = make_symbolic_link(*text, target);
    if (!made) return fail("cannot create symbolic link ", target, made.error());
    if (options_.keep_times) {
        // Not every file system keeps times of links; a copy without them is still a copy.
        (void)set_file_times(target, access_time(stat), modification_time(stat), FollowLinks::kNo);
    }
    report(source, target);
    return true;
}

bool Copier::copy_regular(const std::string& source, const std::string& target, const abi::Stat& stat,
                          const abi::Stat* existing) {
    const Result<UniqueFd> from = open_file(source, OpenFlags::kRdonly | OpenFlags::kCloexec);
    if (!from) {
        complain("cannot open ", quoted(source), " for reading: ", error_sentence(from.error()));
        return false;
    }
    const std::uint64_t flags = OpenFlags::kWronly | OpenFlags::kCloexec;
    const auto mode = static_cast<std::uint16_t>(stat.st_mode & 0777);
    Result<UniqueFd> to = open_file(
        target, flags | (existing != nullptr ? OpenFlags::kTrunc : OpenFlags::kCreat | OpenFlags::kExcl),
        mode);
    if (!to && existing != nullptr && options_.force && remove_file(target)) {
        to = open_file(target, flags | OpenFlags::kCreat | OpenFlags::kExcl, mode);
    }
    if (!to) {
        return fail(existing != nullptr ? "cannot create regular file " : "cannot create regular file ",
                    target, to.error());
    }
    if (!copy_contents(from->fd(), to->fd(), source, target)) return false;
    if (!keep_attributes(to->fd(), target, stat)) return false;
    report(source, target);
    return true;
}

bool Copier::keep_attributes(Fd file, const std::string& target, const abi::Stat& stat) {
    // An owner that may not be given away is no failure, as only the superuser can.
    if (options_.keep_owner) (void)sys_fchown(file, stat.st_uid, stat.st_gid);
    if (options_.keep_mode) {
        const Result<void> changed = sys_fchmod(file, stat.st_mode & abi::Mode::kPerm);
        if (!changed) return fail("preserving permissions for ", target, changed.error());
    }
    if (options_.keep_times) {
        const std::array times{access_time(stat), modification_time(stat)};
        const Result<void> set = sys_futimens(file, times);
        if (!set) return fail("preserving times for ", target, set.error());
    }
    return true;
}

bool Copier::copy_directory(const std::string& source, const std::string& target, const abi::Stat& stat,
                            const abi::Stat* existing) {
    if (existing != nullptr && !is_directory(*existing)) {
        complain("cannot overwrite non-directory ", quoted(target), " with directory ", quoted(source));
        return false;
    }
    for (const abi::Stat& made : made_) {
        if (!same_file(made, stat)) continue;
        complain("cannot copy a directory, ", quoted(source), ", into itself, ", quoted(target));
        return false;
    }
    const Result<std::vector<DirectoryEntry>> entries = read_directory(source);
    if (!entries) return fail("cannot access ", source, entries.error());
    const auto mode = static_cast<std::uint16_t>(stat.st_mode & 0777);
    if (existing == nullptr) {
        // The owner needs all rights until the contents are there.
        const Result<void> made = make_directory(target, mode | 0700);
        if (!made) return fail("cannot create directory ", target, made.error());
        report(source, target);
    }
    const Result<UniqueFd> directory = open_file(target, OpenFlags::kStat | OpenFlags::kCloexec);
    if (!directory) return fail("cannot access ", target, directory.error());
    if (const Result<abi::Stat> identity = sys_fstat(directory->fd())) made_.push_back(*identity);
    bool all = true;
    for (const DirectoryEntry& entry : *entries) {
        all = copy_entry(join_path(source, entry.name), join_path(target, entry.name), false) && all;
    }
    made_.pop_back();
    const auto masked = static_cast<std::uint16_t>(mode & ~process().umask);
    if (existing == nullptr && !options_.keep_mode && masked != (masked | 0700)) {
        (void)sys_fchmod(directory->fd(), masked);
    }
    if (existing == nullptr || options_.keep_mode)
        all = keep_attributes(directory->fd(), target, stat) && all;
    return all;
}

}  // namespace halfcell::userland
