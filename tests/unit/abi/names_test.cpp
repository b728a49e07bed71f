#include "abi/names.h"

#include <doctest/doctest.h>
#include <string>
#include <string_view>

using namespace halfcell::abi;

namespace {

std::string decoded(NameList names, std::uint64_t bits) {
    std::string text;
    const std::uint64_t rest = decode_flags(names, bits, [&text](const char* name) {
        text += name;
        text += '|';
    });
    return text + std::to_string(rest);
}

}  // namespace

TEST_CASE("calls have names, masks and unknown numbers have none") {
    CHECK(std::string_view(syscall_name(0x22000003)) == "SYS_READ");
    CHECK(std::string_view(syscall_name(158)) == "SYS_YIELD");
    CHECK(std::string_view(syscall_name(0x10100007)) == "SYS_OPENAT");
    CHECK(syscall_name(SYS_CLASS_FILE) == nullptr);
    CHECK(syscall_name(SYS_RET_FILE) == nullptr);
    CHECK(syscall_name(3) == nullptr);
}

TEST_CASE("a flag that contains others is named instead of them") {
    CHECK(decoded(names_of<MapFlags>(), MapFlags::kMapFixedNoreplace | MapFlags::kProtRead) ==
          "MAP_FIXED_NOREPLACE|PROT_READ|0");
    CHECK(decoded(names_of<MapFlags>(), MapFlags::kMapFixed) == "MAP_FIXED|0");
    CHECK(decoded(names_of<OpenFlags>(), OpenFlags::kRdwr | OpenFlags::kCreat) == "O_RDWR|O_CREAT|0");
    CHECK(decoded(names_of<OpenFlags>(), OpenFlags::kWronly) == "O_WRONLY|0");
}

TEST_CASE("bits without a name are returned") {
    CHECK(decoded(names_of<EventFlags>(), 0x11) == "EVENT_READ|16");
    CHECK(decoded(names_of<EventFlags>(), 0) == "0");
}

TEST_CASE("every enumerator has its name, and a number that is none has nothing") {
    CHECK(std::string_view(enum_name(Opcode::kStdFsCall)) == "StdFsCall");
    CHECK(std::string_view(enum_name(ContextVerb::kForceKill)) == "ForceKill");
    CHECK(std::string_view(enum_name(ProcCall::kSyncSigPctl)) == "SyncSigPctl");
    CHECK(enum_name(static_cast<Opcode>(2)) == nullptr);
}

TEST_CASE("numbers become enumerators only where they are one") {
    StdFsCallKind kind{};
    CHECK(try_from_raw(14, kind));
    CHECK(kind == StdFsCallKind::kGetLock);
    CHECK_FALSE(try_from_raw(9, kind));
    CHECK_FALSE(try_from_raw(0x101, kind));
    CHECK(kind == StdFsCallKind::kGetLock);
    ContextVerb verb{};
    CHECK(try_from_raw(~0ULL, verb));
    CHECK(verb == ContextVerb::kForceKill);
}
