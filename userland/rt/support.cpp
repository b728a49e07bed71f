// What the header-only part of the C++ library and the compiler expect to find at link time.

#include <memory>
#include <new>
#include <string_view>

#include "userland/rt/process.h"
#include "userland/rt/syscall.h"

namespace {

[[noreturn]] void die(std::string_view what) {
    (void)halfcell::userland::sys_write(halfcell::userland::Fd::kStderr, std::as_bytes(std::span(what)));
    constexpr std::string_view kNewline = "\n";
    (void)halfcell::userland::sys_write(halfcell::userland::Fd::kStderr, std::as_bytes(std::span(kNewline)));
    halfcell::userland::exit_now(134);
}

}  // namespace

namespace std {

const nothrow_t nothrow{};

void __throw_length_error(const char* what) {
    die(what);
}
void __throw_logic_error(const char* what) {
    die(what);
}
void __throw_out_of_range(const char* what) {
    die(what);
}
void __throw_out_of_range_fmt(const char* what, ...) {
    die(what);
}
void __throw_bad_alloc() {
    die("out of memory");
}
void __throw_bad_array_new_length() {
    die("array too long");
}

// Asked for by make_shared's deleters; without run-time types they are known by address alone.
bool _Sp_make_shared_tag::_S_eq(const type_info&) noexcept {
    return false;
}

}  // namespace std

extern "C" {

// Reference counts of shared_ptr are atomic: a guest may start threads at any time.
char __libc_single_threaded = 0;

void abort() {
    die("abort");
}
void __cxa_pure_virtual() {
    die("pure virtual call");
}

// Destructors of globals do not run: a program ends with its process, and the runtime flushes what must be
// flushed itself.
void* __dso_handle = nullptr;
int __cxa_atexit(void (*)(void*), void*, void*) {
    return 0;
}
}
