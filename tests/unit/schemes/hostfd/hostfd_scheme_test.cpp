#include "schemes/hostfd/hostfd_scheme.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/flags.h"
#include "kernel_shim/host/sys.h"
#include "kernel_shim/scheme/registry.h"
#include "tests/support/fake_machine.h"

namespace halfcell::schemes {
namespace {

constexpr std::uint64_t kPage = machine::kPageSize;

struct Fixture {
    Fixture() { schemes.add(SchemeId{1}, files); }

    host::UniqueFd memory_file(std::string_view text) {
        host::UniqueFd file = *host::create_memory_file("test", 0);
        REQUIRE(::pwrite(file.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
        return file;
    }
    // The same file with other rights.
    host::UniqueFd again(const host::UniqueFd& file, int flags) {
        return host::UniqueFd(
            ::open(("/proc/self/fd/" + std::to_string(file.get())).c_str(), flags | O_CLOEXEC));
    }
    std::string read(const scheme::DescriptionRef& description, std::uint64_t offset) {
        std::string text(100, '.');
        const auto to = mem::UserOut::local(std::as_writable_bytes(std::span(text)));
        const auto count = files->read_at(caller, description->number(), to, offset, {});
        return count ? text.substr(0, *count) : abi::errno_name(count.error());
    }
    Result<std::uint64_t> write(const scheme::DescriptionRef& description, std::string_view text,
                                std::uint64_t offset) {
        return files->write_at(caller, description->number(), mem::UserIn::local(text), offset, {});
    }

    test::FakePool pool;
    scheme::EventRegistry events;
    scheme::SchemeRegistry schemes{events};
    std::shared_ptr<HostfdScheme> files = std::make_shared<HostfdScheme>(pool);
    wait::Waiter waiter;
    scheme::Caller caller{ContextId{}, 1, 0, 0, waiter};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a regular file is read and written at offsets") {
    const auto file = *files->adopt(memory_file("hello"));
    CHECK(file->positioned());
    CHECK(read(file, 0) == "hello");
    CHECK(read(file, 3) == "lo");
    CHECK(read(file, 5).empty());
    CHECK(write(file, "world", 5) == 5);
    CHECK(read(file, 0) == "helloworld");
    CHECK(files->fsize(caller, file->number()) == 10);
    CHECK(files->ftruncate(caller, file->number(), 2).has_value());
    CHECK(read(file, 0) == "he");
    CHECK(read(file, UINT64_MAX - 1) == "EINVAL");
}

TEST_CASE_FIXTURE(Fixture, "rights are those that the server had") {
    const host::UniqueFd file = memory_file("text");
    const auto reader = *files->adopt(again(file, O_RDONLY));
    CHECK(read(reader, 0) == "text");
    CHECK(write(reader, "x", 0).error() == Errno::kEBADF);
    const auto writer = *files->adopt(again(file, O_WRONLY));
    CHECK(read(writer, 0) == "EBADF");
    CHECK(write(writer, "n", 0) == 1);
    CHECK(read(reader, 0) == "next");
    using Mapping = HostfdScheme::Mapping;
    CHECK(files->memory(reader, Mapping{0, kPage, true, true}).error() == Errno::kEACCES);
    CHECK(files->memory(writer, Mapping{0, kPage, true, false}).error() == Errno::kEACCES);
    CHECK(files->memory(reader, Mapping{0, kPage, true, false}).has_value());
    CHECK(files->memory(reader, Mapping{0, kPage, false, true}).has_value());
    CHECK(files->memory(reader, Mapping{1, kPage, true, false}).error() == Errno::kEINVAL);
    CHECK(files->memory(reader, Mapping{UINT64_MAX / kPage * kPage, kPage, true, false}).error() ==
          Errno::kEINVAL);
}

TEST_CASE_FIXTURE(Fixture, "a private mapping is a copy, a shared one the file, whatever becomes of it") {
    const host::UniqueFd file = memory_file("before");
    const auto description = *files->adopt(again(file, O_RDWR));
    const auto copy = *files->memory(description, {0, kPage, false, true});
    const auto shared = *files->memory(description, {0, kPage, true, true});
    REQUIRE(::pwrite(file.get(), "after.", 6, 0) == 6);
    std::array<char, 6> text{};
    const auto bytes = std::as_writable_bytes(std::span(text));
    REQUIRE(copy->read(0, bytes).has_value());
    CHECK(std::string_view(text.data(), 6) == "before");
    REQUIRE(shared->read(0, bytes).has_value());
    CHECK(std::string_view(text.data(), 6) == "after.");
    // Cut short under the mapping: zeros for us, never a fault.
    REQUIRE(::ftruncate(file.get(), 0) == 0);
    REQUIRE(shared->read(0, bytes).has_value());
    CHECK(text[0] == 0);
    CHECK(shared->direct() == nullptr);
}

TEST_CASE_FIXTURE(Fixture, "a pipe flows, and does not hold who may not wait") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const auto reader = *files->adopt(host::UniqueFd(ends[0]));
    const auto writer = *files->adopt(host::UniqueFd(ends[1]));
    CHECK_FALSE(reader->positioned());
    std::array<std::byte, 8> room{};
    CHECK(files
              ->read_at(caller, reader->number(), mem::UserOut::local(room), scheme::kNoOffset,
                        {.call = abi::OpenFlags::kNonblock})
              .error() == Errno::kEAGAIN);
    CHECK(write(writer, "flow", scheme::kNoOffset) == 4);
    CHECK(read(reader, scheme::kNoOffset) == "flow");
    CHECK(read(reader, 0) == "ESPIPE");
    CHECK(files->fsize(caller, reader->number()).error() == Errno::kESPIPE);
    CHECK(files->memory(reader, {0, kPage, true, false}).error() == Errno::kENODEV);
}

TEST_CASE_FIXTURE(Fixture, "what can only be named is not taken") {
    CHECK(files->adopt(host::UniqueFd(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC))).error() ==
          Errno::kEACCES);
    CHECK(files->adopt(host::UniqueFd(::open("/", O_PATH | O_CLOEXEC))).error() == Errno::kEACCES);
    CHECK(files->adopt(host::UniqueFd()).error() == Errno::kEBADF);
}

}  // namespace halfcell::schemes
