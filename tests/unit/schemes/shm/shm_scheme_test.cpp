#include "schemes/shm/shm_scheme.h"

#include "tests/unit/schemes/devices/device_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using abi::MapFlags;
using abi::OpenFlags;
using scheme::DescriptionRef;

namespace {

constexpr std::uint64_t kLimit = 1 << 20;
constexpr std::uint64_t kPage = machine::kPageSize;

struct ShmFixture {
    DescriptionRef make(std::string_view name) {
        return *device.open(name, OpenFlags::kRdwr | OpenFlags::kCreat);
    }
    Result<void> unlink(std::string_view name, std::uint64_t flags = 0) {
        return device.tested.unlinkat(device.caller, device.root->number(), name, flags);
    }
    Result<void> truncate(const DescriptionRef& file, std::uint64_t size) {
        return device.tested.ftruncate(device.caller, file->number(), size);
    }
    Result<std::uint64_t> write(const DescriptionRef& file, std::string_view text, std::uint64_t offset) {
        return device.tested.write_at(device.caller, file->number(), mem::UserIn::local(text), offset, {});
    }
    std::string read(const DescriptionRef& file, std::size_t size, std::uint64_t offset) {
        std::string text(size, '?');
        const auto count =
            device.tested.read_at(device.caller, file->number(),
                                  mem::UserOut::local(std::as_writable_bytes(std::span(text))), offset, {});
        text.resize(*count);
        return text;
    }
    Result<std::uint64_t> map(const DescriptionRef& file, std::uint64_t offset, std::uint64_t size,
                              std::uint64_t flags = MapFlags::kMapShared) {
        const abi::Map request{.offset = offset,
                               .size = size,
                               .flags = flags | MapFlags::kProtRead | MapFlags::kProtWrite,
                               .address = 0};
        return device.tested.fmap(device.caller, file->number(), file, *device.space, request, false);
    }
    std::string peek(std::uint64_t address, std::size_t size) {
        std::string text(size, '?');
        CHECK(device.space->read(address, std::as_writable_bytes(std::span(text))));
        return text;
    }
    FakePool pool;
    DeviceFixture device{std::make_shared<schemes::ShmScheme>(kLimit, pool)};
};

}  // namespace

TEST_CASE_FIXTURE(ShmFixture, "names are made, found, and made once") {
    CHECK(error_of(device.open("a")) == "ENOENT");
    const DescriptionRef first = make("a");
    CHECK(first->positioned());
    CHECK(error_of(device.open("a", OpenFlags::kCreat | OpenFlags::kExcl)) == "EEXIST");
    CHECK(*write(first, "hello", 0) == 5);
    const DescriptionRef second = *device.open("a");
    CHECK(read(second, 10, 1) == "ello");
    CHECK(device.path_of(second) == "/scheme/shm/a");
    CHECK((*device.fstat(second)).st_mode == abi::Mode::kFile);
    CHECK((*device.fstat(second)).st_size == 5);
    CHECK(*device.tested.fsize(device.caller, second->number()) == 5);
    CHECK(error_of(device.tested.openat(device.caller, first->number(), "a", 0, 0)) == "EACCES");
}

TEST_CASE_FIXTURE(ShmFixture, "memory lives until it is unlinked and nobody has it open") {
    DescriptionRef file = make("a");
    CHECK(*write(file, "hello", 0) == 5);
    CHECK(error_of(file.close()) == "ok");
    file = *device.open("a");
    CHECK(read(file, 10, 0) == "hello");
    CHECK(error_of(unlink("a", abi::AtFlags::kRemovedir)) == "ENOTDIR");
    CHECK(error_of(device.tested.unlinkat(device.caller, file->number(), "a", 0)) == "EACCES");
    CHECK(error_of(unlink("a")) == "ok");
    // Upstream still finds it under its name.
    DescriptionRef again = *device.open("a");
    CHECK(read(again, 10, 0) == "hello");
    CHECK(error_of(file.close()) == "ok");
    CHECK(error_of(again.close()) == "ok");
    CHECK(error_of(device.open("a")) == "ENOENT");
    CHECK(error_of(unlink("a")) == "ENOENT");
    (void)make("b");
    CHECK(error_of(unlink("b")) == "ok");
    CHECK(error_of(device.open("b")) == "ENOENT");
}

TEST_CASE_FIXTURE(ShmFixture, "sizes: writes extend, truncate cuts and fills, the limit holds") {
    const DescriptionRef file = make("a");
    CHECK(*write(file, "end", 10) == 3);
    CHECK(read(file, 20, 0) == std::string(10, '\0') + "end");
    // Upstream ends the file behind each write.
    CHECK(*write(file, "start", 0) == 5);
    CHECK(read(file, 20, 0).size() == 13);
    CHECK(error_of(truncate(file, 3)) == "ok");
    CHECK(error_of(truncate(file, 6)) == "ok");
    CHECK(read(file, 20, 0) == std::string("sta\0\0\0", 6));
    CHECK(read(file, 20, 6).empty());
    CHECK(error_of(write(file, "x", UINT64_MAX - 1)) == "ERANGE");
    const std::string big(2 * kLimit, 'x');
    CHECK(*write(file, big, 0) < kLimit);
    CHECK(error_of(write(file, "x", 4 * kLimit)) == "ENOMEM");
}

TEST_CASE_FIXTURE(ShmFixture, "a mapping shows what others write, and keeps the memory") {
    DescriptionRef file = make("a");
    CHECK(error_of(map(file, 0, kPage)) == "ERANGE");
    CHECK(error_of(truncate(file, 5)) == "ok");
    CHECK(error_of(map(file, 0, kPage + 1)) == "ERANGE");
    CHECK(error_of(map(file, UINT64_MAX, 2)) == "ERANGE");
    CHECK(error_of(map(file, 0, 0)) == "EINVAL");
    const std::uint64_t address = *map(file, 0, 5);
    const std::uint64_t copy = *map(file, 0, 5, MapFlags::kMapPrivate);
    CHECK(*write(file, "hello", 0) == 5);
    CHECK(peek(address, 5) == "hello");
    CHECK(peek(copy, 5) == std::string(5, '\0'));
    CHECK(device.space->write(address, std::as_bytes(std::span("J", 1))));
    CHECK(read(file, 5, 0) == "Jello");
    CHECK(error_of(unlink("a")) == "ok");
    CHECK(error_of(file.close()) == "ok");
    CHECK(peek(address, 5) == "Jello");
    CHECK(error_of(device.open("a")) == "ok");
    CHECK(device.space->unmap({address, kPage}));
    CHECK(error_of(device.open("a")) == "ENOENT");
}
