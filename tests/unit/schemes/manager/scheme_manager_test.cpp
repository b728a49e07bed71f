#include "schemes/manager/scheme_manager.h"

#include "tests/unit/user_scheme/user_scheme_fixture.h"

namespace halfcell::schemes {
namespace {

struct ManagerFixture : test::UserSchemeFixture {
    Result<scheme::OpenResult> create(std::string_view name, std::uint64_t number = 0) {
        return manager->dup(server.caller(), HandleNumber{number}, mem::UserIn::local(name));
    }
    void become(std::uint32_t uid) { server.context->set_attributes({.pid = 1, .euid = uid}); }
};

TEST_CASE_FIXTURE(ManagerFixture, "the creation capability is handle 0 and says so in its path") {
    const auto root = kernel.schemes.open_root(scheme::kSchemeManagerId);
    REQUIRE(root.has_value());
    CHECK((*root)->number() == HandleNumber{0});
    CHECK((*root)->flags() == 0x2030000);
    std::array<char, 20> path{};
    CHECK(manager->fpath(server.caller(), HandleNumber{0},
                         mem::UserOut::local(std::as_writable_bytes(std::span(path)))) == 7);
    CHECK(std::string_view(path.data()) == "/scheme");
    CHECK(manager->openat(server.caller(), HandleNumber{0}, "x", 0, 0).error() == Errno::kEOPNOTSUPP);
    CHECK(manager->fsync(server.caller(), HandleNumber{0}).error() == Errno::kEBADF);
}

TEST_CASE_FIXTURE(ManagerFixture, "creating a scheme is refused in the real kernel's order") {
    become(1);
    CHECK(create("create-schem").error() == Errno::kEINVAL);
    CHECK(create("create-schemx").error() == Errno::kEINVAL);
    CHECK(create("create-scheme").error() == Errno::kEACCES);
    CHECK(create("create-scheme and more").error() == Errno::kEACCES);
    CHECK(create("create-scheme", 5).error() == Errno::kEBADF);
    become(0);
    const auto created = create("create-scheme and more");
    REQUIRE(created.has_value());
    CHECK(std::get<scheme::OpenedHandle>(*created).number.value() == socket.value() + 1);
    CHECK_FALSE(std::get<scheme::OpenedHandle>(*created).positioned);
}

TEST_CASE_FIXTURE(ManagerFixture, "a socket goes with its scheme, and only user schemes have one") {
    const auto plain = std::make_shared<test::RecordingScheme>();
    const SchemeId in_process = *kernel.schemes.add(plain);
    const auto fsync = [&](std::uint64_t number) {
        return manager->fsync(server.caller(), HandleNumber{number});
    };
    CHECK(fsync(socket.value()));
    CHECK(fsync(in_process.value()).error() == Errno::kEBADF);
    CHECK(fsync(std::uint64_t{1} << 32 | socket.value()).error() == Errno::kEBADF);
    CHECK(manager->close(HandleNumber{in_process.value()}));
    CHECK(plain->registered());
    CHECK(manager->close(socket));
    CHECK(fsync(socket.value()).error() == Errno::kEBADF);
    CHECK_FALSE(user->registered());
}

}  // namespace
}  // namespace halfcell::schemes
