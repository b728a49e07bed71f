// forkstorm VERB COUNT: a process that forks while its other threads do with its memory what is hardest for
// copy-on-write. Ends with 0 and "intact" where no store was lost and none was seen in the other process.

#include <array>
#include <atomic>
#include <initializer_list>
#include <vector>

#include "abi/data.h"
#include "abi/flags.h"
#include "userland/lib/number.h"
#include "userland/rt/child.h"
#include "userland/rt/fork.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"
#include "userland/rt/thread.h"

namespace halfcell::userland {
namespace {

using Word = std::uint64_t;

constexpr std::size_t kPage = abi::Limits::kPageSize;
constexpr Word kReadWrite = abi::MapFlags::kProtRead | abi::MapFlags::kProtWrite;

struct alignas(kPage) Page {
    volatile Word words[kPage / sizeof(Word)];
};

constexpr std::size_t kStorers = 3;
constexpr std::size_t kPagesEach = 4;
constexpr std::size_t kPages = kStorers * kPagesEach;
constexpr std::size_t kPlain = 7;
constexpr std::size_t kAtomic = 9;
constexpr std::size_t kControl = 100;  // where holders put control words; nobody else uses those

Page pages[kPages];
Page kernel_pages[2];
std::atomic<bool> over{false};
std::atomic<std::size_t> storers{0};

[[noreturn]] void broken(std::string_view what) {
    err().print("forkstorm: ", what, "\n");
    err().flush();
    exit_now(1);
}

template <typename Value>
Value or_broken(Result<Value> result, std::string_view what) {
    if (!result) {
        err().print("forkstorm: error ", static_cast<std::uint32_t>(result.error()), ", ");
        broken(what);
    }
    if constexpr (!std::is_void_v<Value>) return std::move(*result);
}

// Counts in some pages, and notices at once when a store is lost.
void count_in_pages(void*) {
    const std::size_t first = storers.fetch_add(1) * kPagesEach;
    for (Word n = 0; !over.load(); ++n) {
        for (std::size_t i = first; i < first + kPagesEach; ++i) {
            if (pages[i].words[kPlain] != n) broken("a store is lost");
            pages[i].words[kPlain] = n + 1;
            if (__atomic_fetch_add(&pages[i].words[kAtomic], 1, __ATOMIC_SEQ_CST) != n)
                broken("an atomic store is lost");
        }
    }
}

// Lets the kernel store into pages.
void receive_into_pages(void*) {
    const Pipe pipe = or_broken(make_pipe(), "pipe");
    for (Word n = 1; !over.load(); ++n) {
        Word received = n;
        (void)or_broken(sys_write(pipe.writer.fd(), std::as_bytes(std::span(&received, 1))), "write");
        auto* const to = const_cast<Word*>(&kernel_pages[n % 2].words[3]);
        (void)or_broken(sys_read(pipe.reader.fd(), std::as_writable_bytes(std::span(to, 1))), "read");
        if (kernel_pages[n % 2].words[3] != n) broken("a store of the kernel is lost");
        if (n > 1 && kernel_pages[(n - 1) % 2].words[3] != n - 1)
            broken("an old store of the kernel is lost");
    }
}

// Maps, changes rights, and unmaps piece by piece. Never more than its own: another thread may map in the
// holes.
void map_and_unmap(void*) {
    for (Word n = 1; !over.load(); ++n) {
        std::byte* const area = or_broken(map_anonymous(4 * kPage), "map");
        const auto at = [&](std::size_t page) {
            return reinterpret_cast<volatile Word*>(area + page * kPage);
        };
        for (std::size_t page = 0; page < 4; ++page) {
            if (*at(page) != 0) broken("fresh memory is not zero");
            *at(page) = n + page;
        }
        for (const Word rights : {Word{abi::MapFlags::kProtRead}, kReadWrite}) {
            (void)or_broken(checked_syscall(abi::SYS_MPROTECT, word(area + kPage), Word{kPage}, rights),
                            "protect");
            if (*at(1) != n + 1) broken("a page changes with its rights");
        }
        *at(1) = 0;
        or_broken(unmap(area + 2 * kPage, kPage), "unmap");
        if (*at(0) != n || *at(1) != 0 || *at(3) != n + 3) broken("a page changes with its neighbour");
        or_broken(unmap(area, 2 * kPage), "unmap");
        or_broken(unmap(area + 3 * kPage, kPage), "unmap");
    }
}

// Makes the counted pages those of signals, so that they move to objects of their own.
void hold_pages(void*) {
    const UniqueFd thread(or_broken(sys_dup(process().process, "new-thread"), "new-thread"));
    {
        const UniqueFd selection(or_broken(sys_dup(thread.fd(), "current-addrspace"), "current-addrspace"));
        const UniqueFd space(or_broken(sys_dup(process().thread, "addrspace"), "addrspace"));
        const std::array<Word, 3> image{word(space.fd()), 0, 0};
        (void)or_broken(sys_write(selection.fd(), std::as_bytes(std::span(image))), "select");
    }
    for (std::size_t n = 0; !over.load(); ++n) {
        abi::SetSighandlerData data{};
        data.user_handler = kPage;  // never jumped to: the thread does not start
        data.thread_control_addr = word(&pages[n % kPages].words[kControl]);
        data.proc_control_addr = word(&pages[(n + kPages / 2) % kPages]);
        const UniqueFd handle(or_broken(sys_dup(thread.fd(), "sighandler"), "sighandler"));
        (void)or_broken(sys_write(handle.fd(), std::as_bytes(std::span(&data, 1))), "hold");
    }
}

// Shows the counted pages at second addresses.
void alias_pages(void*) {
    for (std::size_t n = 0; !over.load(); ++n) {
        const Page& page = pages[n % kPages];
        const Word flags = abi::MremapFlags::kKeepOld | kReadWrite;
        const Word alias = or_broken(
            checked_syscall(abi::SYS_MREMAP, word(&page), Word{kPage}, Word{0}, Word{kPage}, flags), "alias");
        const Word seen = reinterpret_cast<const Page*>(alias)->words[kPlain];
        if (page.words[kPlain] < seen) broken("an alias shows other bytes");
        or_broken(unmap(reinterpret_cast<std::byte*>(alias), kPage), "unmap an alias");
    }
}

// In a child: what its parent stores meanwhile does not come here, and what is stored here does not go there.
[[noreturn]] void child_of_storm() {
    constexpr Word kNoise = Word{1} << 60;
    std::array<Word, kPages> seen{};
    for (std::size_t i = 0; i < kPages; ++i)
        seen[i] = pages[i].words[kPlain];
    for (int look = 0; look < 3; ++look) {
        sys_yield();
        for (std::size_t i = 0; i < kPages; ++i)
            if (pages[i].words[kPlain] != seen[i]) broken("a child sees what its parent stores");
    }
    for (Page& page : pages)
        for (const std::size_t word : {kPlain, kAtomic})
            page.words[word] = kNoise;
    for (Page& page : kernel_pages)
        page.words[3] = kNoise;
    const Result<std::uint32_t> grandchild = fork_process();
    if (grandchild && *grandchild == 0) {
        for (const Page& page : pages)
            if (page.words[kPlain] != kNoise) broken("a grandchild does not have its parent's bytes");
        exit_now(0);
    }
    const auto news = wait_for_child(0, 0);
    exit_now(news ? exit_status_of(news->status) : 2);
}

// stores COUNT: so many forks.
void storm(Word count) {
    {
        std::vector<Thread> threads;
        for (std::size_t i = 0; i < kStorers; ++i)
            threads.push_back(or_broken(Thread::start(count_in_pages, nullptr), "thread"));
        for (const Thread::Entry entry : {receive_into_pages, map_and_unmap, hold_pages, alias_pages})
            threads.push_back(or_broken(Thread::start(entry, nullptr), "thread"));
        for (Word i = 0; i < count; ++i) {
            if (or_broken(fork_process(), "fork") == 0) child_of_storm();
            const ChildNews news = or_broken(wait_for_child(0, 0), "wait");
            if (news.status != 0) broken("a child ends badly");
        }
        over.store(true);
    }
    out().write("intact\n");
}

// chain COUNT: each process stores after its child was born, and the last one has all that came before.
void chain(Word count) {
    for (Word depth = 0; depth < count; ++depth) {
        volatile Word& own = pages[depth % kPages].words[depth / kPages];
        own = depth + 1;
        const std::uint32_t child = or_broken(fork_process(), "fork");
        if (child != 0) {
            own = ~depth;
            const ChildNews news = or_broken(wait_for_child(child, 0), "wait");
            if (depth != 0) exit_now(exit_status_of(news.status));
            if (news.status != 0) broken("a descendant ends badly");
            out().write("intact\n");
            return;
        }
        for (Word i = 0; i <= depth; ++i)
            if (pages[i % kPages].words[i / kPages] != i + 1) broken("a descendant sees a later store");
    }
    exit_now(0);
}

std::uint32_t futex = 0;
std::atomic<Word> woken{0};

Word wake_all() {
    return or_broken(checked_syscall(abi::SYS_FUTEX, word(&futex), abi::FutexOp::kWake, Word{100}), "wake");
}

// futex COUNT: so many sleepers on a page that is copied on write. A child's wake does not reach them, their
// own process's does, also when the page was stored into since.
void wake_across(Word count) {
    {
        std::vector<Thread> threads;
        for (Word i = 0; i < count; ++i)
            threads.push_back(or_broken(Thread::start(
                                            [](void*) {
                                                while (__atomic_load_n(&futex, __ATOMIC_SEQ_CST) == 0)
                                                    futex_wait(&futex, 0);
                                                woken.fetch_add(1);
                                            },
                                            nullptr),
                                        "thread"));
        for (int round = 0; round < 20; ++round) {
            const std::uint32_t child = or_broken(fork_process(), "fork");
            if (child == 0) {
                __atomic_store_n(&futex, 1, __ATOMIC_SEQ_CST);
                exit_now(wake_all() == 0 ? 0 : 3);
            }
            const ChildNews news = or_broken(wait_for_child(child, 0), "wait");
            if (news.status != 0) broken("a wake crosses from child to parent");
        }
        if (woken.load() != 0) broken("a store crosses from child to parent");
        __atomic_store_n(&futex, 1, __ATOMIC_SEQ_CST);
        (void)wake_all();
    }
    if (woken.load() != count) broken("a sleeper is missing");
    out().write("intact\n");
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    if (arguments.size() != 2) return 64;
    const auto count = parse_unsigned(arguments[1]);
    if (!count) return 64;
    if (arguments[0] == "stores") storm(*count);
    if (arguments[0] == "chain") chain(*count);
    if (arguments[0] == "futex") wake_across(*count);
    return 0;
}

}  // namespace halfcell::userland
