#include "schemes/nsmgr/namespace_scheme.h"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "abi/dirent.h"
#include "abi/flags.h"
#include "abi/namespace_call.h"
#include "kernel_shim/scheme/event_registry.h"
#include "kernel_shim/scheme/registry.h"

using namespace halfcell;
using namespace halfcell::nsmgr;
using abi::NsPermissions;
using abi::OpenFlags;
using scheme::DescriptionRef;

namespace {

// Records what it is asked and opens "gone" never.
class Recorder final : public scheme::Scheme {
  public:
    [[nodiscard]] std::string_view name() const override { return "recorder"; }
    Result<scheme::OpenedHandle> root() override { return scheme::OpenedHandle{.number = HandleNumber{1}}; }
    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override {
        CHECK(base == HandleNumber{1});
        if (path == "gone") return fail(Errno::kEXDEV);
        opened = std::string(path) + "|" + std::to_string(caller.uid) + "|" + std::to_string(caller.gid) +
                 "|" + std::to_string(flags) + "|" + std::to_string(fcntl_flags);
        return scheme::OpenedHandle{.number = HandleNumber{7}, .positioned = true};
    }
    Result<void> unlinkat(const scheme::Caller&, HandleNumber, std::string_view path,
                          std::uint64_t flags) override {
        unlinked = std::string(path) + "|" + std::to_string(flags);
        return {};
    }
    Result<void> close(HandleNumber number) override {
        closed.push_back(number.value());
        return {};
    }

    std::string opened, unlinked;
    std::vector<std::uint64_t> closed;
};

struct Fixture {
    scheme::EventRegistry events;
    scheme::SchemeRegistry registry{events};
    std::shared_ptr<Recorder> recorder = std::make_shared<Recorder>();
    std::shared_ptr<Namespace> space = std::make_shared<Namespace>();
    wait::Waiter waiter;
    scheme::Caller caller{.context = ContextId{1}, .pid = 5, .uid = 1000, .gid = 100, .waiter = waiter};
    SchemeId recorder_id = registry.add(recorder).value();
    DescriptionRef capability = registry.open_root(recorder_id).value();
    std::shared_ptr<NamespaceScheme> scheme;
    HandleNumber root;

    Fixture() {
        for (const char* name : {"file", "sys", "sysx", "null"})
            REQUIRE(space->insert(name, registry.open_root(recorder_id).value()));
        scheme = std::make_shared<NamespaceScheme>(space, capability);
        (void)registry.add(scheme).value();
        root = scheme->root().value().number;
    }

    Result<scheme::OpenResult> open(HandleNumber base, std::string_view path, std::uint64_t flags = 0) {
        return scheme->openat(caller, base, path, flags, 0);
    }
    Result<HandleNumber> dup(HandleNumber base, const std::vector<std::byte>& request) {
        auto result = scheme->dup(caller, base, mem::UserIn::local(request));
        if (!result) return fail(result.error());
        return std::get<scheme::OpenedHandle>(*result).number;
    }
    std::vector<std::string> list(HandleNumber base) {
        auto opened = open(base, "/scheme");
        REQUIRE(opened);
        const HandleNumber number = std::get<scheme::OpenedHandle>(*opened).number;
        std::vector<std::string> names;
        std::uint64_t next = 0;
        for (;;) {
            std::array<std::byte, 64> buffer{};
            const auto length = scheme->getdents(caller, number, mem::UserOut::local(buffer),
                                                 sizeof(abi::DirentHeader), next);
            REQUIRE(length);
            if (*length == 0) break;
            abi::DirentReader reader(reinterpret_cast<const std::uint8_t*>(buffer.data()), *length);
            abi::Dirent entry;
            while (reader.next(entry) == abi::DirentReader::Status::kEntry) {
                names.emplace_back(entry.name, entry.name_length);
                next = entry.header.next_opaque_id;
            }
        }
        return names;
    }
};

struct Request {
    std::vector<std::byte> bytes;
    Request& word(std::uint64_t value) {
        const auto* raw = reinterpret_cast<const std::byte*>(&value);
        bytes.insert(bytes.end(), raw, raw + sizeof(value));
        return *this;
    }
    Request& text(std::string_view text) {
        const auto* raw = reinterpret_cast<const std::byte*>(text.data());
        bytes.insert(bytes.end(), raw, raw + text.size());
        return *this;
    }
    Request& name(std::string_view name) { return word(name.size()).text(name); }
};

template <typename T>
Errno error_of(const Result<T>& result) {
    REQUIRE_FALSE(result.has_value());
    return result.error();
}

}  // namespace

TEST_CASE("an open is forwarded with the caller's ids and becomes the scheme's own description") {
    Fixture f;
    const std::uint64_t flags = OpenFlags::kRdonly | OpenFlags::kCloexec | 0644;
    auto opened = f.scheme->openat(f.caller, f.root, "/scheme/sys/uname", flags, 3);
    REQUIRE(opened);
    auto& description = std::get<DescriptionRef>(*opened);
    CHECK(f.recorder->opened == "uname|1000|100|" + std::to_string(flags) + "|3");
    CHECK(description->scheme_id() == f.recorder_id);
    CHECK(description->number() == HandleNumber{7});
    CHECK(description->positioned());
    CHECK(description->flags() == (flags & ~OpenFlags::kCloexec));
    CHECK(description->offset() == 0);

    REQUIRE(f.open(f.root, "/etc/passwd"));
    CHECK(f.recorder->opened.starts_with("etc/passwd|"));
    REQUIRE(f.open(f.root, "/"));
    CHECK(f.recorder->opened.starts_with("|"));
    REQUIRE(f.open(f.root, "/scheme/null"));
    CHECK(f.recorder->opened.starts_with("|"));
    REQUIRE(f.open(f.root, "null:/a/b"));
    CHECK(f.recorder->opened.starts_with("/a/b|"));
}

TEST_CASE("errors of the namespace and of the scheme are told apart") {
    Fixture f;
    CHECK(error_of(f.open(f.root, "/scheme/nosuch/x")) == Errno::kENODEV);
    CHECK(error_of(f.open(f.root, "/scheme/sys/gone")) == Errno::kEXDEV);
    for (const char* path : {"", "relative", "/a/../b", "//a", "/scheme/sys//x"})
        CHECK(error_of(f.open(f.root, path)) == Errno::kEINVAL);
    CHECK(error_of(f.open(HandleNumber{999}, "/x")) == Errno::kEBADF);
    f.registry.remove(f.recorder_id);
    CHECK(error_of(f.open(f.root, "/scheme/sys")) == Errno::kENODEV);
}

TEST_CASE("the list of schemes comes in pieces and needs LIST") {
    Fixture f;
    CHECK(f.list(f.root) == std::vector<std::string>{"file", "null", "sys", "sysx"});
    const auto listing = std::get<scheme::OpenedHandle>(f.open(f.root, "/scheme/").value()).number;
    std::array<std::byte, 22> small{};
    CHECK(error_of(f.scheme->getdents(f.caller, listing, mem::UserOut::local(small), 19, 0)) ==
          Errno::kEINVAL);
    abi::Stat stat{};
    REQUIRE(
        f.scheme->fstat(f.caller, listing, mem::UserOut::local(std::as_writable_bytes(std::span(&stat, 1)))));
    CHECK(stat.st_mode == 040444);
    CHECK(error_of(f.open(listing, "/scheme/sys")) == Errno::kENOENT);

    const auto blind = f.dup(f.root, Request{}.word(1).word(NsPermissions::kInsert).bytes).value();
    CHECK(error_of(f.open(blind, "/scheme")) == Errno::kEACCES);
}

TEST_CASE("the creation capability needs SCHEME_CREATE") {
    Fixture f;
    auto capability = f.open(f.root, "/scheme/namespace/scheme-creation-cap");
    REQUIRE(capability);
    CHECK(std::get<DescriptionRef>(*capability) == f.capability);
    CHECK(error_of(f.open(f.root, "/scheme/namespace/x")) == Errno::kEINVAL);
    CHECK(error_of(f.open(f.root, "/scheme/namespace")) == Errno::kEINVAL);
    const auto forked = f.dup(f.root, Request{}.word(0).name("*").bytes).value();
    CHECK(error_of(f.open(forked, "/scheme/namespace/scheme-creation-cap")) == Errno::kEACCES);
}

TEST_CASE("ForkNs takes names and prefixes, and is independent of its origin") {
    Fixture f;
    const auto forked =
        f.dup(f.root, Request{}.word(0).name("sys*").name("nosuch").name("null").bytes).value();
    CHECK(f.list(forked) == std::vector<std::string>{"null", "sys", "sysx"});
    REQUIRE(f.scheme->unlinkat(f.caller, forked, "/scheme/null", 0));
    CHECK(error_of(f.open(forked, "/scheme/null")) == Errno::kENODEV);
    CHECK(f.open(f.root, "/scheme/null"));
    CHECK(f.list(f.dup(f.root, Request{}.word(0).bytes).value()).empty());
}

TEST_CASE("malformed dup requests are EINVAL") {
    Fixture f;
    CHECK(error_of(f.dup(f.root, Request{}.text("abc").bytes)) == Errno::kEINVAL);
    CHECK(error_of(f.dup(f.root, Request{}.word(3).bytes)) == Errno::kEINVAL);
    CHECK(error_of(f.dup(f.root, Request{}.word(UINT64_MAX).bytes)) == Errno::kEINVAL);
    CHECK(error_of(f.dup(f.root, Request{}.word(0).word(UINT64_MAX).text("x").bytes)) == Errno::kEINVAL);
    CHECK(error_of(f.dup(f.root, Request{}.word(0).text("x").bytes)) == Errno::kEINVAL);
    CHECK(error_of(f.dup(f.root, Request{}.word(1).bytes)) == Errno::kEINVAL);
    for (const std::string_view name : {"", "a/b", "a:b"})
        CHECK(error_of(f.dup(f.root, Request{}.word(2).text(name).bytes)) == Errno::kEINVAL);
}

TEST_CASE("a register handle enters one root") {
    Fixture f;
    const auto root = [&] { return f.registry.open_root(f.recorder_id).value(); };
    const auto registration = f.dup(f.root, Request{}.word(2).text("mine").bytes).value();
    CHECK(error_of(f.scheme->fd_write(f.caller, registration, {root(), root()}, 0, 0, {})) == Errno::kEINVAL);
    CHECK(f.scheme->fd_write(f.caller, registration, {}, 0, 0, {}) == 0);
    CHECK(error_of(f.scheme->fd_write(f.caller, f.root, {root()}, 0, 0, {})) == Errno::kEACCES);
    CHECK(f.scheme->fd_write(f.caller, registration, {root()}, 0, 0, {}) == 1);
    CHECK(error_of(f.scheme->fd_write(f.caller, registration, {root()}, 0, 0, {})) == Errno::kEEXIST);
    CHECK(f.open(f.root, "/scheme/mine/x"));

    const auto reader = f.dup(f.root, Request{}.word(1).word(NsPermissions::kList).bytes).value();
    CHECK(error_of(f.dup(reader, Request{}.word(2).text("other").bytes)) == Errno::kEACCES);
}

TEST_CASE("unlinkat forwards a reference and removes a scheme without one") {
    Fixture f;
    REQUIRE(f.scheme->unlinkat(f.caller, f.root, "/tmp/x", abi::AtFlags::kRemovedir));
    CHECK(f.recorder->unlinked == "tmp/x|512");
    const auto reader = f.dup(f.root, Request{}.word(1).word(NsPermissions::kList).bytes).value();
    CHECK(error_of(f.scheme->unlinkat(f.caller, reader, "/scheme/sys", 0)) == Errno::kEACCES);
    const auto closed_before = f.recorder->closed.size();
    REQUIRE(f.scheme->unlinkat(f.caller, f.root, "/scheme/sys", 0));
    CHECK(f.recorder->closed.size() == closed_before + 1);
    CHECK(error_of(f.scheme->unlinkat(f.caller, f.root, "/scheme/sys", 0)) == Errno::kENODEV);
    CHECK(error_of(f.scheme->unlinkat(f.caller, f.root, "/scheme", 0)) == Errno::kENODEV);
    CHECK(error_of(f.scheme->unlinkat(f.caller, f.root, "/scheme/namespace", 0)) == Errno::kENODEV);
    CHECK(error_of(f.scheme->unlinkat(f.caller, f.root, "/scheme/namespace/x", 0)) == Errno::kENODEV);
    CHECK(error_of(f.scheme->unlinkat(f.caller, f.root, "x", 0)) == Errno::kEINVAL);
}

TEST_CASE("handles that are no namespace open and duplicate nothing, and can be looked at") {
    Fixture f;
    const auto listing = std::get<scheme::OpenedHandle>(f.open(f.root, "/scheme").value()).number;
    const auto registration = f.dup(f.root, Request{}.word(2).text("mine").bytes).value();
    for (const HandleNumber other : {listing, registration}) {
        CHECK(error_of(f.open(other, "/scheme/sys")) == Errno::kENOENT);
        CHECK(error_of(f.dup(other, Request{}.word(0).bytes)) == Errno::kENOENT);
        CHECK(error_of(f.scheme->unlinkat(f.caller, other, "/scheme/sys", 0)) == Errno::kENOENT);
    }
    abi::Stat stat{};
    const auto to = mem::UserOut::local(std::as_writable_bytes(std::span(&stat, 1)));
    for (const HandleNumber file : {f.root, registration}) {
        REQUIRE(f.scheme->fstat(f.caller, file, to));
        CHECK(stat.st_mode == 0100666);
    }
}

TEST_CASE("names that are no text are refused") {
    Fixture f;
    CHECK(error_of(f.dup(f.root, Request{}.word(0).name("\xff").bytes)) == Errno::kEINVAL);
    CHECK(error_of(f.dup(f.root, Request{}.word(2).text("\xff").bytes)) == Errno::kEINVAL);
}

// It would hold itself, and "x:x:x:…" would be opened by as many calls inside each other.
TEST_CASE("a namespace is no scheme to register") {
    Fixture f;
    const auto registration = f.dup(f.root, Request{}.word(2).text("x").bytes).value();
    const auto namespace_root = f.registry.open_root(f.scheme->id()).value();
    CHECK(error_of(f.scheme->fd_write(f.caller, registration, {namespace_root}, 0, 0, {})) == Errno::kEINVAL);
    CHECK(error_of(f.open(f.root, "x:x:x:y")) == Errno::kENODEV);
}

TEST_CASE("a namespace has room for many schemes, not for any number") {
    Fixture f;
    std::size_t added = 0;
    while (f.space->insert("s" + std::to_string(added), f.capability))
        ++added;
    CHECK(f.space->names().size() == Namespace::kMostSchemes);
    CHECK(error_of(f.space->insert("one-more", f.capability)) == Errno::kEMFILE);
    CHECK(error_of(f.space->insert("sys", f.capability)) == Errno::kEEXIST);
}

TEST_CASE("a restricted handle sees its own namespace and creates no schemes") {
    Fixture f;
    const std::vector<std::string> wanted{"null"};
    const auto handle = f.scheme->open_restricted(f.space->fork(wanted)).number;
    CHECK(f.list(handle) == wanted);
    CHECK(error_of(f.open(handle, "/scheme/sys/uname")) == Errno::kENODEV);
    CHECK(error_of(f.open(handle, "/etc/passwd")) == Errno::kENODEV);
    CHECK(error_of(f.open(handle, "/scheme/namespace/scheme-creation-cap")) == Errno::kEACCES);
}

TEST_CASE("namespace-cycle-leak: a namespace cannot hold itself, and goes with the registry") {
    std::weak_ptr<NamespaceScheme> scheme;
    std::weak_ptr<Namespace> first;
    {
        Fixture f;
        scheme = f.scheme;
        first = f.space;
        const HandleNumber forked = f.dup(f.root, Request{}.word(0).name("sys").bytes).value();
        for (const HandleNumber holder : {f.root, forked}) {
            const auto registration = f.dup(holder, Request{}.word(2).text("mine").bytes).value();
            const auto itself =
                DescriptionRef::create({.scheme = f.scheme, .scheme_id = f.scheme->id(), .number = holder});
            REQUIRE(error_of(f.scheme->fd_write(f.caller, registration, {itself}, 0, 0, {})) ==
                    Errno::kEINVAL);
        }
    }
    CHECK(scheme.expired());
    CHECK(first.expired());
}
