#include "kernel_shim/confine/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::confine {

namespace {

// By value: the headers of Debian 12 end at version 2. Source: linux:include/uapi/linux/landlock.h.
constexpr long kCreateRuleset = 444;
constexpr long kAddRule = 445;
constexpr long kRestrictSelf = 446;
constexpr unsigned kAskVersion = 1;
constexpr int kPathBeneath = 1;

namespace access {
constexpr std::uint64_t kExecute = 1 << 0, kWriteFile = 1 << 1, kReadFile = 1 << 2, kReadDirectory = 1 << 3,
                        kRemoveDirectory = 1 << 4, kRemoveFile = 1 << 5, kMakeCharacterDevice = 1 << 6,
                        kMakeDirectory = 1 << 7, kMakeFile = 1 << 8, kMakeSocket = 1 << 9,
                        kMakeFifo = 1 << 10, kMakeBlockDevice = 1 << 11, kMakeLink = 1 << 12,
                        kRefer = 1 << 13, kTruncate = 1 << 14, kDeviceControl = 1 << 15;
}  // namespace access
constexpr std::uint64_t kConnectTcp = 1 << 1;
constexpr std::uint64_t kBindTcp = 1 << 0;
constexpr std::uint64_t kScopeAbstractSockets = 1 << 0;
constexpr std::uint64_t kScopeSignals = 1 << 1;

struct RulesetAttributes {
    std::uint64_t files = 0;
    std::uint64_t network = 0;
    std::uint64_t scoped = 0;
};

struct [[gnu::packed]] PathRule {
    std::uint64_t allowed;
    std::int32_t parent;
};

constexpr std::uint64_t kEverything = (access::kMakeLink << 1) - 1;
constexpr std::uint64_t kReading = access::kReadFile | access::kReadDirectory;
constexpr std::uint64_t kChanging = access::kWriteFile | access::kRemoveDirectory | access::kRemoveFile |
                                    access::kMakeDirectory | access::kMakeFile | access::kMakeSocket |
                                    access::kMakeLink | access::kRefer | access::kTruncate;
// The rights that mean something for what is no directory.
constexpr std::uint64_t kOfFiles = access::kWriteFile | access::kReadFile | access::kTruncate;

RulesetAttributes attributes_of(int version) {
    RulesetAttributes attributes{.files = kEverything};
    if (version >= 2) attributes.files |= access::kRefer;
    if (version >= 3) attributes.files |= access::kTruncate;
    if (version >= 4) attributes.network = kBindTcp | kConnectTcp;
    if (version >= 5) attributes.files |= access::kDeviceControl;
    if (version >= 6) attributes.scoped = kScopeAbstractSockets | kScopeSignals;
    return attributes;
}

// How much of the structure this version knows; more is E2BIG.
std::size_t size_for(int version) {
    if (version >= 6) return sizeof(RulesetAttributes);
    return version >= 4 ? 2 * sizeof(std::uint64_t) : sizeof(std::uint64_t);
}

Result<void> add(int ruleset, const FileGrant& grant, std::uint64_t known) {
    const host::UniqueFd place(::open(grant.path.c_str(), O_PATH | O_CLOEXEC));
    if (!place.is_open()) return {};
    struct stat status {};
    if (::fstat(place.get(), &status) != 0) return fail(host::last_error());
    PathRule rule{.allowed = kReading, .parent = place.get()};
    if (grant.rights == FileRights::kReadAndWrite) rule.allowed |= kChanging;
    rule.allowed &= known;
    if (!S_ISDIR(status.st_mode)) rule.allowed &= kOfFiles;
    // EBADFD: a file without a place in any tree (a pipe, a nameless file), which Landlock leaves alone.
    if (::syscall(kAddRule, ruleset, kPathBeneath, &rule, 0) != 0 && errno != EBADFD)
        return fail(host::last_error());
    return {};
}

}  // namespace

int landlock_version() {
    const long version = ::syscall(kCreateRuleset, nullptr, 0, kAskVersion);
    return version > 0 ? static_cast<int>(version) : 0;
}

Result<void> restrict_files(const std::vector<FileGrant>& grants) {
    const int version = landlock_version();
    if (version == 0) return fail(Errno::kENOSYS);
    const RulesetAttributes attributes = attributes_of(version);
    const host::UniqueFd ruleset(
        static_cast<int>(::syscall(kCreateRuleset, &attributes, size_for(version), 0)));
    if (!ruleset.is_open()) return fail(host::last_error());
    for (const FileGrant& grant : grants)
        TRY(add(ruleset.get(), grant, attributes.files));
    if (::syscall(kRestrictSelf, ruleset.get(), 0) != 0) return fail(host::last_error());
    return {};
}

}  // namespace halfcell::confine
