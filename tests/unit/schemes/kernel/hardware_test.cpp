// irq, serio and kernel.acpi: what a program sees of hardware that is not there.

#include "abi/dirent.h"
#include "tests/unit/schemes/kernel/schemes_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using abi::OpenFlags;
using scheme::DescriptionRef;

namespace {

constexpr std::uint32_t kSerio = 5;
constexpr std::uint32_t kIrq = 6;
constexpr std::uint32_t kAcpi = 10;
constexpr std::uint64_t kRdonly = OpenFlags::kRdonly;

struct HardwareFixture : SchemesFixture {
    std::string open_as_user(std::uint32_t id, std::string_view path) {
        const DescriptionRef root = *kernel.schemes.open_root(SchemeId{id});
        scheme::Caller user{guest.context->id(), 1, 1000, 1000, guest.context->waiter()};
        return error_of(serving(root).openat(user, root->number(), path, kRdonly, 0));
    }
    // Names in a directory, with their kinds; an errno where listing fails.
    std::string list(const DescriptionRef& file, std::size_t size = 8192, std::uint64_t from = 0) {
        std::vector<std::uint8_t> packed(size);
        const auto to = mem::UserOut::local(std::as_writable_bytes(std::span(packed)));
        const auto count = serving(file).getdents(guest.caller, file->number(), to, 19, from);
        if (!count) return abi::errno_name(count.error());
        abi::DirentReader reader(packed.data(), *count);
        std::string names;
        abi::Dirent entry{};
        while (reader.next(entry) == abi::DirentReader::Status::kEntry)
            names.append(entry.name).append(":").append(std::to_string(entry.header.kind)).append(" ");
        return names;
    }
    std::string interrupt_blocked_read(const DescriptionRef& file, const char* reason) {
        Result<std::uint64_t> result = 0;
        std::thread thread([&] { result = read(file, guest.out(5)); });
        guest.await_block();
        CHECK(std::string(guest.context->waiter().reason()) == reason);
        guest.context->waiter().interrupt();
        thread.join();
        return error_of(result);
    }
};

}  // namespace

TEST_CASE_FIXTURE(HardwareFixture, "serio: two devices on which nobody types") {
    const DescriptionRef keyboard = *open(kSerio, "0");
    CHECK(*fpath(keyboard) == "serio:0");
    CHECK(*fpath(*open(kSerio, "1")) == "serio:1");
    for (const char* name : {"", "2", "x", "0x", "-1"})
        CHECK(error_of(open(kSerio, name)) == "ENOENT");
    CHECK(open_as_user(kSerio, "0") == "EPERM");
    CHECK(error_of(open_at(keyboard, "0")) == "EACCES");
    CHECK(interrupt_blocked_read(keyboard, "SerioScheme::read") == "EINTR");
    set_nonblocking(keyboard, true);
    CHECK(read_text(keyboard, 1) == "error EAGAIN");
    CHECK(error_of(write(keyboard, "x")) == "EBADF");
    CHECK(error_of(fstat(keyboard)) == "EBADF");
    CHECK(*fevent(keyboard, 3) == 0);
    const DescriptionRef root = *kernel.schemes.open_root(SchemeId{kSerio});
    CHECK(error_of(fpath(root)) == "EBADF");
    CHECK(error_of(fevent(root, 1)) == "EBADF");
    CHECK(read_text(root, 1) == "error EBADF");
}

TEST_CASE_FIXTURE(HardwareFixture, "irq: names") {
    CHECK(error_of(open(kIrq, "")) == "EISDIR");
    CHECK(error_of(open(kIrq, "", OpenFlags::kDirectory)) == "ok");
    CHECK(error_of(open(kIrq, "/15")) == "ok");
    CHECK(error_of(open(kIrq, "16")) == "ENOENT");
    CHECK(error_of(open(kIrq, "x")) == "ENOENT");
    CHECK(error_of(open(kIrq, "cpu-00/3")) == "ok");
    CHECK(error_of(open(kIrq, "cpu-00/16")) == "EINVAL");
    CHECK(error_of(open(kIrq, "cpu-00/224", OpenFlags::kCreat)) == "ENOENT");
    CHECK(error_of(open(kIrq, "cpu-00x")) == "ENOENT");
    CHECK(open_as_user(kIrq, "bsp") == "EACCES");
    CHECK(error_of(open_at(*open(kIrq, "bsp"), "bsp")) == "EACCES");
    // Upstream panics on these two.
    CHECK(error_of(open(kIrq, "cpu-")) == "ENOENT");
    CHECK(error_of(open(kIrq, "cpu-0")) == "ENOENT");
}

TEST_CASE_FIXTURE(HardwareFixture, "irq: a vector is reserved until its handle closes") {
    DescriptionRef vector = *open(kIrq, "cpu-00/40", OpenFlags::kCreat);
    CHECK(error_of(open(kIrq, "cpu-00/40", OpenFlags::kCreat)) == "EEXIST");
    CHECK(error_of(open(kIrq, "cpu-01/40", OpenFlags::kCreat)) == "ok");
    CHECK(error_of(open(kIrq, "cpu-00/40", OpenFlags::kStat)) == "ok");
    const DescriptionRef directory = *open(kIrq, "cpu-00");
    CHECK(list(directory).find(" 40:") == std::string::npos);
    CHECK(list(directory).starts_with("16:2 17:2 "));
    vector.close();
    CHECK(list(directory).find(" 40:2 ") != std::string::npos);
    CHECK(error_of(open(kIrq, "cpu-00/40", OpenFlags::kCreat)) == "ok");
}

TEST_CASE_FIXTURE(HardwareFixture, "irq: transfers and metadata") {
    const DescriptionRef irq = *open(kIrq, "9"), bsp = *open(kIrq, "bsp"), cpu = *open(kIrq, "cpu-0a");
    const DescriptionRef directory = *open(kIrq, "", OpenFlags::kDirectory);
    CHECK(*read(irq, guest.out(8)) == 0);
    CHECK(error_of(read(irq, guest.out(7))) == "EINVAL");
    CHECK(error_of(read(bsp, guest.out(7))) == "EINVAL");
    CHECK(*read(bsp, guest.out(8)) == 8);
    CHECK(read_text(cpu, 8) == "error EISDIR");
    CHECK(read_text(*kernel.schemes.open_root(SchemeId{kIrq}), 8) == "error EISDIR");
    const std::uint64_t zero = 0, one = 1;
    CHECK(*write(irq, mem::UserIn::local(std::as_bytes(std::span(&zero, 1)))) == 8);
    CHECK(*write(irq, mem::UserIn::local(std::as_bytes(std::span(&one, 1)))) == 0);
    CHECK(error_of(write(irq, "short")) == "EINVAL");
    CHECK(error_of(write(bsp, "12345678")) == "EBADF");
    CHECK(*fpath(irq) == "irq:9");
    CHECK(*fpath(bsp) == "irq:bsp");
    CHECK(*fpath(cpu) == "irq:cpu- a");
    CHECK(*fpath(directory) == "irq:");
    CHECK((*fstat(irq)).st_mode == (0x2000 | 0600));
    CHECK((*fstat(irq)).st_ino == 9);
    CHECK((*fstat(bsp)).st_mode == (0x2000 | 0400));
    CHECK((*fstat(cpu)).st_ino == (std::uint64_t{0x8000} << 48 | std::uint64_t{10} << 32));
    CHECK((*fstat(directory)).st_mode == (0x4000 | 0500));
    CHECK(list(directory) == "bsp:2 cpu-00:4 ");
    CHECK(list(directory, 10) == "EINVAL");
    CHECK(list(irq) == "ENOTDIR");
    CHECK(*fevent(irq, 3) == 0);
}

TEST_CASE_FIXTURE(HardwareFixture, "acpi: opening, check by check") {
    const auto try_open = [&](std::string_view path, std::uint64_t flags) {
        return error_of(open(kAcpi, path, flags));
    };
    CHECK(try_open("", kRdonly | OpenFlags::kDirectory) == "ok");
    CHECK(try_open("", kRdonly) == "EISDIR");
    CHECK(try_open("/rxsdt", kRdonly) == "ok");
    CHECK(try_open("rxsdt", kRdonly | OpenFlags::kDirectory) == "ENOTDIR");
    CHECK(try_open("kstop", kRdonly | OpenFlags::kDirectory | OpenFlags::kStat) == "ok");
    CHECK(try_open("x", kRdonly) == "ENOENT");
    CHECK(try_open("x", OpenFlags::kRdwr | OpenFlags::kCreat) == "EROFS");
    CHECK(try_open("x", kRdonly | OpenFlags::kExcl) == "EINVAL");
    CHECK(try_open("x", kRdonly | OpenFlags::kSymlink) == "EINVAL");
    CHECK(try_open("x", OpenFlags::kRdwr) == "EROFS");
    CHECK(try_open("rxsdt", OpenFlags::kRdwr | OpenFlags::kStat) == "ok");
    CHECK(open_as_user(kAcpi, "rxsdt") == "EACCES");
    CHECK(error_of(open_at(*open(kAcpi, "rxsdt", kRdonly), "rxsdt", kRdonly)) == "EACCES");
}

TEST_CASE_FIXTURE(HardwareFixture, "acpi: no tables, a silent kstop") {
    const DescriptionRef directory = *open(kAcpi, "", kRdonly | OpenFlags::kDirectory);
    const DescriptionRef tables = *open(kAcpi, "rxsdt", kRdonly), kstop = *open(kAcpi, "kstop", kRdonly);
    const DescriptionRef stat_only = *open(kAcpi, "rxsdt", kRdonly | OpenFlags::kStat);
    CHECK(read_text(tables, 100).empty());
    CHECK(read_text(directory, 100) == "error EISDIR");
    CHECK(read_text(stat_only, 100) == "error EBADF");
    CHECK(*read(kstop, guest.out(0)) == 0);
    CHECK(interrupt_blocked_read(kstop, "waiting for kstop") == "EINTR");
    CHECK((*fstat(tables)).st_mode == 0x8000);
    CHECK((*fstat(directory)).st_mode == 0x4000);
    CHECK((*fstat(kstop)).st_mode == 0x2000);
    CHECK((*fstat(kstop)).st_size == 1);
    CHECK(*fpath(kstop) == "/scheme/kernel.acpi/");
    CHECK(list(directory) == "rxsdt:8 kstop:12 ");
    CHECK(list(directory, 8192, 1) == "kstop:12 ");
    CHECK(list(directory, 8192, 2).empty());
    CHECK(list(tables) == "ENOTDIR");
    CHECK(error_of(fevent(stat_only, 1)) == "EBADF");
    CHECK(*serving(kstop).fsize(guest.caller, kstop->number()) == 1);
}

TEST_CASE_FIXTURE(HardwareFixture, "acpi: a shutdown is an event and wakes readers") {
    const DescriptionRef kstop = *open(kAcpi, "kstop", kRdonly);
    const DescriptionRef queue = *open(2, "", OpenFlags::kRdwr | OpenFlags::kNonblock);
    const abi::Event event{add_file(kstop), 1, 3};
    REQUIRE(write(queue, mem::UserIn::local(std::as_bytes(std::span(&event, 1)))));
    Guest other(kernel, pool, machines);
    Result<std::uint64_t> result = 0;
    std::thread thread([&] { result = read_as(other, kstop, other.out(5)); });
    other.await_block();
    CHECK(*write(*open(8, "kstop"), "shutdown") == 8);
    thread.join();
    CHECK(*read(queue, guest.out(24)) == 24);
}
