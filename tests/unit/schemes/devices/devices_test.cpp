#include <algorithm>

#include "schemes/log/log.h"
#include "schemes/null/null.h"
#include "schemes/rand/rand.h"
#include "schemes/zero/zero.h"
#include "tests/unit/schemes/devices/device_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using scheme::DescriptionRef;

namespace {

// What holds for null, zero and rand alike.
void check_character_device(DeviceFixture& device, std::uint16_t mode, std::string_view path) {
    const DescriptionRef file = *device.open("");
    CHECK((*device.fstat(file)).st_mode == mode);
    CHECK(device.path_of(file) == path);
    CHECK(*device.write(file, "swallowed") == 9);
    CHECK(*device.write(file, "") == 0);
    scheme::Scheme& scheme = device.tested;
    CHECK(*scheme.fcntl(device.caller, file->number(), 3, 0) == 0);
    CHECK(*scheme.fevent(device.caller, file->number(), 3) == 0);
    CHECK(error_of(scheme.fsync(device.caller, file->number())) == "ok");
    CHECK(error_of(scheme.ftruncate(device.caller, file->number(), 5)) == "ok");
    CHECK(error_of(scheme.fsize(device.caller, file->number())) == "ESPIPE");
    CHECK(error_of(scheme.fchmod(device.caller, file->number(), 0)) == "EBADF");
    CHECK(error_of(scheme.fstat(device.caller, file->number(), device.out_at(device.buffer, 103))) ==
          "EINVAL");
}

}  // namespace

TEST_CASE("null gives nothing and takes everything") {
    DeviceFixture device(schemes::make_null_scheme());
    check_character_device(device, 0x2000 | 0666, "/scheme/zero");
    CHECK(device.read_text(*device.open("any/path"), 10).empty());
    CHECK(*device.read(*device.open(""), device.out_at(kWild, 10)) == 0);
}

TEST_CASE("zero fills any length with zeros") {
    DeviceFixture device(schemes::make_zero_scheme());
    check_character_device(device, 0x2000 | 0666, "/scheme/zero");
    const DescriptionRef file = *device.open("any");
    for (const std::size_t size : {0, 1, 65536, 200'000})
        CHECK(device.read_text(file, size) == std::string(size, '\0'));
    CHECK(error_of(device.read(file, device.out_at(kWild, 10))) == "EFAULT");
    CHECK(error_of(device.read(file, device.out_at(device.buffer + 8000, 1000))) == "EFAULT");
}

TEST_CASE("rand fills any length, with different bytes every time") {
    DeviceFixture device(schemes::make_rand_scheme());
    check_character_device(device, 0x2000 | 0644, "/scheme/rand");
    CHECK(error_of(device.open("/urandom")) == "ok");
    CHECK(error_of(device.open("urandom")) == "ENOENT");
    const DescriptionRef file = *device.open("");
    const std::string first = device.read_text(file, 10'000), second = device.read_text(file, 10'000);
    CHECK(first.size() == 10'000);
    CHECK(first != second);
    CHECK(std::count(first.begin(), first.end(), '\0') < 200);
    CHECK(error_of(device.read(file, device.out_at(kWild, 10))) == "EFAULT");
}

TEST_CASE("log hands whole lines on, with their context") {
    std::string got;
    const auto sink = [&](std::string_view context, std::string_view line) {
        got.append(context).append("|").append(line).append(";");
    };
    DeviceFixture device(schemes::make_log_scheme(sink));
    DescriptionRef init = *device.open("init");
    const DescriptionRef anonymous = *device.open("");
    CHECK(*device.write(init, "one\ntwo\nbeg") == 11);
    CHECK(got == "init|one;init|two;");
    CHECK(*device.write(anonymous, "mixed\n") == 6);
    CHECK(*device.write(init, "un\n\nrest") == 8);
    CHECK(got == "init|one;init|two;|mixed;init|begun;init|;");
    init.close();
    CHECK(got == "init|one;init|two;|mixed;init|begun;init|;init|rest;");
    CHECK(device.read_text(anonymous, 10).empty());
    CHECK(device.path_of(anonymous) == "/scheme/log/");
    CHECK((*device.fstat(anonymous)).st_mode == (0x2000 | 0666));
    CHECK(error_of(device.write(anonymous, device.in_at(kWild, 3))) == "EFAULT");
    CHECK(error_of(device.write(device.root, "x")) == "EBADF");
    CHECK(error_of(device.tested.openat(device.caller, anonymous->number(), "x", 0, 0)) == "EACCES");
}

TEST_CASE("log cuts a line that never ends") {
    std::size_t longest = 0;
    DeviceFixture device(schemes::make_log_scheme(
        [&](auto, std::string_view line) { longest = std::max(longest, line.size()); }));
    CHECK(*device.write(*device.open(""), std::string(100'000, 'x')) == 100'000);
    CHECK(longest == 16384);
}
