#include "schemes/manager/scheme_manager.h"

#include <doctest/doctest.h>

#include "kernel_shim/scheme/registry.h"

namespace halfcell::schemes {
namespace {

struct ManagerFixture {
    ManagerFixture() { registry.add(scheme::kSchemeManagerId, manager); }
    Errno create(std::string_view name, std::uint32_t uid = 0, std::uint64_t number = 0) {
        const scheme::Caller caller{.context = ContextId{1}, .uid = uid, .waiter = waiter};
        return manager->dup(caller, HandleNumber{number}, mem::UserIn::local(name)).error();
    }
    wait::Waiter waiter;
    scheme::EventRegistry events;
    scheme::SchemeRegistry registry{events};
    std::shared_ptr<SchemeManager> manager = std::make_shared<SchemeManager>();
};

TEST_CASE_FIXTURE(ManagerFixture, "the creation capability is handle 0 and says so in its path") {
    const auto root = registry.open_root(scheme::kSchemeManagerId);
    REQUIRE(root.has_value());
    CHECK((*root)->number() == HandleNumber{0});
    CHECK((*root)->flags() == 0x2030000);
    std::array<char, 20> path{};
    const scheme::Caller caller{.context = ContextId{1}, .waiter = waiter};
    CHECK(manager->fpath(caller, HandleNumber{0},
                         mem::UserOut::local(std::as_writable_bytes(std::span(path)))) == 7);
    CHECK(std::string_view(path.data()) == "/scheme");
    CHECK(manager->openat(caller, HandleNumber{0}, "x", 0, 0).error() == Errno::kEOPNOTSUPP);
    CHECK(manager->fsync(caller, HandleNumber{0}).error() == Errno::kEBADF);
}

TEST_CASE_FIXTURE(ManagerFixture, "creating a scheme is refused in the real kernel's order") {
    CHECK(create("create-schem") == Errno::kEINVAL);
    CHECK(create("create-schemx", 1) == Errno::kEINVAL);
    CHECK(create("create-scheme", 1) == Errno::kEACCES);
    CHECK(create("create-scheme and more", 1) == Errno::kEACCES);
    CHECK(create("create-scheme") == Errno::kENODEV);
    CHECK(create("create-scheme", 0, 5) == Errno::kEBADF);
}

}  // namespace
}  // namespace halfcell::schemes
