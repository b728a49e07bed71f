// inside guarded|free RW_DIRECTORY RO_DIRECTORY ATTEMPT [WORD...]: what somebody could do to the host who has
// taken the supervisor over. "guarded" confines the process as `halfcell run --bind RW --bind RO:ro` does;
// "free" is the control. Prints EFFECT and a word where the attempt succeeds, or what Linux answered.

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <future>
#include <string>
#include <string_view>
#include <thread>

#include "kernel_shim/supervisor/confinement.h"
#include "kernel_shim/wait/interrupter.h"

namespace halfcell::attack {

namespace {

struct Place {
    std::string writable;
    std::string readable;
    std::string word;  // what the attempt is about
    std::string more;
};

// 0 where the attempt succeeds, else the errno of Linux.
using Attempt = std::function<int(const Place&)>;

int outcome(long result) {
    return result < 0 ? errno : 0;
}

// As the supervisor opens files, so that it is up to Landlock.
int open_file(const std::string& path, int flags) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
    how.mode = (flags & O_CREAT) != 0 ? 0600 : 0;
    const long file = ::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how);
    if (file < 0) return errno;
    ::close(static_cast<int>(file));
    return 0;
}

pid_t number(const std::string& word) {
    return static_cast<pid_t>(std::strtol(word.c_str(), nullptr, 0));
}

int take_descriptor(const Place& place) {
    const long process = ::syscall(SYS_pidfd_open, number(place.word), 0);
    if (process < 0) return errno;
    return outcome(::syscall(SYS_pidfd_getfd, process, 0, 0));
}

int transfer(const Place& place, bool write) {
    std::array<char, 8> bytes{"CHANGED"};
    const iovec here{bytes.data(), bytes.size()};
    const iovec there{reinterpret_cast<void*>(std::strtoull(place.more.c_str(), nullptr, 0)), bytes.size()};
    const pid_t victim = number(place.word);
    return outcome(write ? ::process_vm_writev(victim, &here, 1, &there, 1, 0)
                         : ::process_vm_readv(victim, &here, 1, &there, 1, 0));
}

int map_code() {
    void* const page =
        ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? errno : 0;
}

int make_code() {
    void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return outcome(::mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

int take_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> data{};
    if (::syscall(SYS_capget, &header, data.data()) != 0) return errno;
    return outcome(::syscall(SYS_capset, &header, data.data()));
}

// In a thread that was there before the calls were restricted.
int in_old_thread(std::promise<void>& go, std::future<int>& result) {
    go.set_value();
    return result.get();
}

int abstract_socket(const Place& place) {
    const int file = ::socket(AF_UNIX, SOCK_STREAM, 0);
    if (file < 0) return errno;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, place.word.data(), place.word.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + place.word.size());
    return outcome(::connect(file, reinterpret_cast<const sockaddr*>(&address), size));
}

// A call of another kind of program: the answer of int 0x80 is getpid's there.
int old_gate() {
    long result = 20;
    asm volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    return result > 0 ? 0 : ENOSYS;
}

int call(long number_of_call) {
    // Arguments that no kernel takes: what counts is whether it is asked at all.
    const long result = ::syscall(number_of_call, -1L, -1L, -1L, -1L, -1L, -1L);
    if (result >= 0) return 0;
    return errno == ENOSYS ? ENOSYS : 0;
}

const std::pair<std::string_view, Attempt> kAttempts[] = {
    {"read-file", [](const Place& place) { return open_file(place.word, O_RDONLY); }},
    {"write-file", [](const Place& place) { return open_file(place.word, O_WRONLY); }},
    {"make-file", [](const Place& place) { return open_file(place.word, O_WRONLY | O_CREAT); }},
    {"list", [](const Place& place) { return open_file(place.word, O_RDONLY | O_DIRECTORY); }},
    {"link-in",
     [](const Place& place) {
         return outcome(
             ::linkat(AT_FDCWD, place.word.c_str(), AT_FDCWD, (place.writable + "/stolen").c_str(), 0));
     }},
    {"move-out",
     [](const Place& place) {
         return outcome(
             ::renameat(AT_FDCWD, (place.writable + "/mine").c_str(), AT_FDCWD, place.word.c_str()));
     }},
    {"make-device",
     [](const Place& place) {
         return outcome(::mknod((place.writable + "/null").c_str(), S_IFCHR | 0666, makedev(1, 3)));
     }},
    {"execute",
     [](const Place& place) {
         char* const words[] = {const_cast<char*>(place.word.c_str()), nullptr};
         ::execv(place.word.c_str(), words);
         return errno;
     }},
    {"fork", [](const Place&) { return outcome(::syscall(SYS_fork)); }},
    {"clone-process", [](const Place&) { return outcome(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }},
    {"thread-in-namespace",
     [](const Place&) {
         constexpr long kThreads = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
         // No stack: a kernel that takes the flags makes a thread that faults.
         return outcome(::syscall(SYS_clone, kThreads | CLONE_NEWNET, 0, 0, 0, 0));
     }},
    {"kill", [](const Place& place) { return outcome(::kill(number(place.word), SIGKILL)); }},
    {"terminate", [](const Place& place) { return outcome(::kill(number(place.word), SIGTERM)); }},
    {"read-memory", [](const Place& place) { return transfer(place, false); }},
    {"write-memory", [](const Place& place) { return transfer(place, true); }},
    {"take-descriptor", take_descriptor},
    {"read-environment",
     [](const Place& place) { return open_file("/proc/" + place.word + "/environ", O_RDONLY); }},
    {"internet-socket", [](const Place&) { return outcome(::socket(AF_INET, SOCK_STREAM, 0)); }},
    {"abstract-socket", abstract_socket},
    {"push-keys",
     [](const Place&) {
         // Not a terminal here: what counts is whether Linux is asked.
         char key = 'x';
         return ::ioctl(STDIN_FILENO, TIOCSTI, &key) == 0 || errno == ENOTTY || errno == EIO ? 0 : errno;
     }},
    {"map-code", [](const Place&) { return map_code(); }},
    {"make-code", [](const Place&) { return make_code(); }},
    {"take-capabilities", [](const Place&) { return take_capabilities(); }},
    {"be-dumpable", [](const Place&) { return outcome(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); }},
    {"change-owner-bits",
     [](const Place& place) {
         return outcome(
             ::syscall(452 /* fchmodat2 */, AT_FDCWD, (place.writable + "/mine").c_str(), 04755, 0));
     }},
    {"old-gate", [](const Place&) { return old_gate(); }},
    {"raise-limit",
     [](const Place&) {
         const rlimit limit{4096, 4096};
         return outcome(::setrlimit(RLIMIT_STACK, &limit));
     }},
    // By number, where there is nothing to say but that Linux must not be asked.
    {"call", [](const Place& place) { return call(number(place.word)); }},
};

const Attempt* find(std::string_view name) {
    for (const auto& [known, attempt] : kAttempts)
        if (known == name) return &attempt;
    return nullptr;
}

}  // namespace

int run(int argc, char** argv) {
    if (argc < 5) return 64;
    const std::string_view mode = argv[1];
    std::string_view name = argv[4];
    const Place place{argv[2], argv[3], argc > 5 ? argv[5] : "", argc > 6 ? argv[6] : ""};
    // "thread:NAME": by a thread that was there first.
    const bool old_thread = name.starts_with("thread:");
    if (old_thread) name.remove_prefix(7);
    const Attempt* const attempt = find(name);
    if (attempt == nullptr) return 64;

    supervisor::WorldOptions options;
    options.confined = mode == "guarded";
    options.binds = {{place.writable, "/rw", false}, {place.readable, "/ro", true}};
    const auto refuse = [](const std::string& why) {
        std::printf("cannot be confined: %s\n", why.c_str());
        return 65;
    };
    if (options.confined)
        if (const auto confined = supervisor::confine_process(options); !confined)
            return refuse(confined.error());
    std::promise<void> go;
    auto result = std::async(std::launch::async, [&, ready = go.get_future()] {
        ready.wait();
        return old_thread ? (*attempt)(place) : 0;
    });
    const auto interrupter = wait::Interrupter::start();
    if (!interrupter) return 65;
    if (options.confined) {
        if (const auto confined = supervisor::confine_calls(options, nullptr); !confined)
            return refuse(confined.error());
    }
    const int error = old_thread ? in_old_thread(go, result) : (*attempt)(place);
    if (error == 0)
        std::printf("EFFECT %s\n", argv[4]);
    else
        std::printf("refused: %s\n", std::strerror(error));
    std::fflush(stdout);
    ::_exit(0);
}

}  // namespace halfcell::attack

int main(int argc, char** argv) {
    return halfcell::attack::run(argc, argv);
}
