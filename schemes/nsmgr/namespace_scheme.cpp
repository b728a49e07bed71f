#include "schemes/nsmgr/namespace_scheme.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "abi/dirent.h"
#include "abi/flags.h"
#include "abi/namespace_call.h"
#include "kernel_shim/base/utf8.h"
#include "kernel_shim/scheme/opened.h"
#include "kernel_shim/scheme/redox_path.h"

namespace halfcell::nsmgr {

using abi::NsPermissions;
using scheme::Caller;
using scheme::DescriptionRef;
using scheme::OpenedHandle;
using scheme::OpenResult;

namespace {

constexpr std::uint64_t kAllPermissions =
    NsPermissions::kList | NsPermissions::kInsert | NsPermissions::kDelete | NsPermissions::kSchemeCreate;
constexpr std::uint64_t kForkedPermissions =
    NsPermissions::kList | NsPermissions::kInsert | NsPermissions::kDelete;
// The longest request a dup may carry, in bytes; a namespace has some dozens of names.
constexpr std::uint64_t kRequestLimit = 65536;
constexpr std::size_t kListingBatch = 65536;

// A trailing '/' is forgiven here, unlike in SYS_FRENAME's paths: shells complete directory names with one.
Result<scheme::RedoxPath> parse(std::string_view path) {
    if (path.size() > 1 && path.starts_with('/') && path.ends_with('/')) path.remove_suffix(1);
    return scheme::parse_redox_path(path);
}

// The next word of a dup request. EINVAL where fewer bytes are left.
Result<std::uint64_t> take_word(std::span<const std::byte>& from) {
    std::uint64_t word = 0;
    if (from.size() < sizeof(word)) return fail(Errno::kEINVAL);
    std::memcpy(&word, from.data(), sizeof(word));
    from = from.subspan(sizeof(word));
    return word;
}

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

NamespaceScheme::NamespaceScheme(std::shared_ptr<Namespace> first, DescriptionRef scheme_creation)
    : first_(std::move(first)), scheme_creation_(std::move(scheme_creation)) {}

OpenedHandle NamespaceScheme::add(Handle handle) {
    return {.number = handles_.add(std::make_shared<const Handle>(std::move(handle)))};
}

Result<OpenedHandle> NamespaceScheme::root() {
    return add(Access{first_, kAllPermissions});
}

OpenedHandle NamespaceScheme::open_restricted(std::shared_ptr<Namespace> space) {
    return add(Access{std::move(space), kForkedPermissions});
}

Result<OpenResult> NamespaceScheme::openat(const Caller& caller, HandleNumber base, std::string_view path,
                                           std::uint64_t flags, std::uint32_t fcntl_flags) {
    const auto handle = TRY(handles_.find(base));
    const auto* access = std::get_if<Access>(handle.get());
    if (access == nullptr) return fail(Errno::kENOENT);
    const scheme::RedoxPath target = TRY(parse(path));
    if (target.scheme.empty()) {
        if ((access->permissions & NsPermissions::kList) == 0) return fail(Errno::kEACCES);
        return add(Listing{access->space->names()});
    }
    if (target.scheme == name()) {
        if (target.reference != "scheme-creation-cap") return fail(Errno::kEINVAL);
        if ((access->permissions & NsPermissions::kSchemeCreate) == 0) return fail(Errno::kEACCES);
        if (!scheme_creation_) return fail(Errno::kENODEV);
        return scheme_creation_;
    }
    const DescriptionRef root = TRY(access->space->find(target.scheme));
    scheme::Scheme* const scheme = TRY(root->scheme());
    OpenResult opened = TRY(scheme->openat(caller, root->number(), target.reference, flags, fcntl_flags));
    return TRY(scheme::describe_opened(*root, std::move(opened), flags));
}

Result<void> NamespaceScheme::unlinkat(const Caller& caller, HandleNumber base, std::string_view path,
                                       std::uint64_t flags) {
    const auto handle = TRY(handles_.find(base));
    const auto* access = std::get_if<Access>(handle.get());
    if (access == nullptr) return fail(Errno::kENOENT);
    const scheme::RedoxPath target = TRY(parse(path));
    if (target.reference.empty()) {
        if ((access->permissions & NsPermissions::kDelete) == 0) return fail(Errno::kEACCES);
        TRY(access->space->remove(target.scheme));
        return {};
    }
    const DescriptionRef root = TRY(access->space->find(target.scheme));
    scheme::Scheme* const scheme = TRY(root->scheme());
    return scheme->unlinkat(caller, root->number(), target.reference, flags);
}

Result<OpenResult> NamespaceScheme::dup(const Caller&, HandleNumber number, const mem::UserIn& name) {
    const auto handle = TRY(handles_.find(number));
    const auto* access = std::get_if<Access>(handle.get());
    if (access == nullptr) return fail(Errno::kENOENT);
    if (name.size() > kRequestLimit) return fail(Errno::kEINVAL);
    std::vector<std::byte> request(name.size());
    TRY(name.read(0, request));
    return add(TRY(duplicate(*access, request)));
}

Result<NamespaceScheme::Handle> NamespaceScheme::duplicate(const Access& access,
                                                           std::span<const std::byte> request) const {
    switch (static_cast<abi::NsDup>(TRY(take_word(request)))) {
        case abi::NsDup::kForkNs: {
            std::vector<std::string> names;
            while (!request.empty()) {
                const std::uint64_t length = TRY(take_word(request));
                if (length > request.size()) return fail(Errno::kEINVAL);
                names.push_back(text_of(request.first(length)));
                if (!is_utf8(names.back())) return fail(Errno::kEINVAL);
                request = request.subspan(length);
            }
            return Access{access.space->fork(names), kForkedPermissions};
        }
        case abi::NsDup::kShrinkPermissions: {
            const std::uint64_t kept = TRY(take_word(request));
            return Access{access.space, access.permissions & kept};
        }
        case abi::NsDup::kIssueRegister: {
            std::string scheme_name = text_of(request);
            if (!is_utf8(scheme_name) || !valid_scheme_name(scheme_name)) return fail(Errno::kEINVAL);
            if ((access.permissions & NsPermissions::kInsert) == 0) return fail(Errno::kEACCES);
            return Registration{access.space, std::move(scheme_name)};
        }
    }
    return fail(Errno::kEINVAL);
}

Result<std::uint64_t> NamespaceScheme::fd_write(const Caller&, HandleNumber number,
                                                std::vector<DescriptionRef>&& descriptions, std::uint64_t,
                                                std::uint64_t, std::span<const std::uint64_t>) {
    // A server closes what it has no use for when it answers.
    std::vector<DescriptionRef> sent = std::exchange(descriptions, {});
    const auto handle = TRY(handles_.find(number));
    const auto* registration = std::get_if<Registration>(handle.get());
    if (registration == nullptr) return fail(Errno::kEACCES);
    if (sent.empty()) return 0;
    if (sent.size() > 1) return fail(Errno::kEINVAL);
    const auto source = sent.front()->scheme();
    if (source && *source == this) return fail(Errno::kEINVAL);
    TRY(registration->space->insert(registration->name, std::move(sent.front())));
    return 1;
}

Result<std::uint64_t> NamespaceScheme::fpath(const Caller&, HandleNumber number, const mem::UserOut& to) {
    const auto handle = TRY(handles_.find(number));
    if (std::holds_alternative<Listing>(*handle)) return to.write_common("/scheme");
    return to.write_common("/scheme/namespace/");
}

Result<void> NamespaceScheme::fstat(const Caller&, HandleNumber number, const mem::UserOut& to) {
    const auto handle = TRY(handles_.find(number));
    abi::Stat stat{};
    stat.st_mode = abi::Mode::kFile | 0666;
    if (std::holds_alternative<Listing>(*handle)) {
        stat.st_mode = abi::Mode::kDir | 0444;
        stat.st_nlink = 1;
    }
    return to.write_exact(stat);
}

Result<std::uint64_t> NamespaceScheme::getdents(const Caller&, HandleNumber number, const mem::UserOut& to,
                                                std::uint16_t header_size, std::uint64_t opaque_id) {
    const auto handle = TRY(handles_.find(number));
    const auto* listing = std::get_if<Listing>(handle.get());
    if (listing == nullptr) return fail(Errno::kENOTDIR);
    if (header_size < sizeof(abi::DirentHeader)) return fail(Errno::kEIO);
    std::vector<std::uint8_t> packed(std::min<std::uint64_t>(to.size(), kListingBatch));
    abi::DirentWriter writer(packed.data(), packed.size(), header_size);
    for (std::uint64_t index = opaque_id; index < listing->names.size(); ++index) {
        const std::string& entry = listing->names[index];
        const auto status =
            writer.append(0, index + 1, abi::DirentKind::kUnspecified, entry.data(), entry.size());
        if (status == abi::DirentWriter::Status::kOk) continue;
        if (writer.written() == 0) return fail(Errno::kEINVAL);
        break;
    }
    TRY(to.write(0, std::as_bytes(std::span(packed).first(writer.written()))));
    return writer.written();
}

Result<void> NamespaceScheme::close(HandleNumber number) {
    TRY(handles_.remove(number));
    return {};
}

void NamespaceScheme::unregistered() {
    // A namespace may have been registered in itself.
    handles_.clear();
    first_->clear();
}

}  // namespace halfcell::nsmgr
