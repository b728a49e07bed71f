#include "tests/integration/guest/traffic.h"

#include <algorithm>
#include <span>

#include "tests/guests/check.h"
#include "userland/rt/child.h"
#include "userland/rt/file.h"
#include "userland/rt/fork.h"
#include "userland/rt/signal.h"

namespace halfcell::userland {

namespace {

using abi::CallFlags;
using abi::OpenFlags;
using Numbers = std::vector<std::uint64_t>;

constexpr std::size_t kMost = 8;  // descriptors of one transfer
constexpr std::size_t kPool = 2 * kMost;
constexpr std::uint64_t kUpper = std::uint64_t{1} << 62;
constexpr std::uint64_t kAnyRun = UINT64_MAX;

bool is_open(std::uint64_t number) {
    return static_cast<bool>(sys_fcntl(Fd{number}, abi::FcntlCommand::kGetfd, 0));
}

void close_all(const Numbers& numbers) {
    for (const std::uint64_t number : numbers)
        (void)sys_close(Fd{number});
}

Numbers fresh_pipes(std::size_t count) {
    Numbers numbers;
    for (std::size_t i = 0; i < count; ++i)
        numbers.push_back(
            word(need(sys_openat(process().name_space, "/scheme/pipe", OpenFlags::kRdwr), "pipe")));
    return numbers;
}

template <typename Body>
std::uint32_t child_that(Body body) {
    const std::uint32_t child = need(fork_process(), "fork");
    if (child != 0) return child;
    body();
    exit_now(0);
}

void await_child(std::uint32_t child, int status) {
    check(exit_status_of(need(wait_for_child(child, 0), "wait").status) == status, "how a child ends");
}

void kill_child(std::uint32_t child) {
    need(send_signal(child, Signal::kKill), "kill");
    await_child(child, 128 + static_cast<int>(Signal::kKill));
}

}  // namespace

Traffic::Traffic(std::string_view kind, std::string_view path, std::uint32_t seed)
    : kind_(kind), path_(path), random_(seed) {
    renew_carrier();
}

Traffic::~Traffic() {
    for (const Held& held : pool_)
        (void)sys_close(Fd{held.number});
}

void Traffic::renew_carrier() {
    carrier_.reset();
    carrier_ = need(make_carrier(kind_, path_), "a carrier");
}

void Traffic::fill_pool() {
    while (pool_.size() < kPool) {
        const std::uint64_t kind = made_++ % 3;
        if (kind == 0) {
            const Fd pipe =
                need(sys_openat(process().name_space, "/scheme/pipe", OpenFlags::kRdwr | OpenFlags::kCloexec),
                     "pipe");
            pool_.push_back({word(pipe)});
        } else if (kind == 1 && !path_.empty()) {
            pool_.push_back(
                {word(need(open_file(concat(path_, "/x"), OpenFlags::kRdwr | OpenFlags::kCreat), "box")
                          .release())});
        } else {
            UniqueFd file = need(
                open_file(concat("/tmp/moved", made_ % kPool), OpenFlags::kRdwr | OpenFlags::kCreat), "file");
            const std::uint64_t inode = need(sys_fstat(file.fd()), "stat").st_ino;
            pool_.push_back({word(file.release()), inode});
        }
    }
}

// Takes one to kMost out of the pool.
std::vector<Traffic::Held> Traffic::some() {
    const std::size_t count = 1 + pick(kMost);
    std::shuffle(pool_.begin(), pool_.end(), random_);
    std::vector<Held> held(pool_.end() - static_cast<std::ptrdiff_t>(count), pool_.end());
    pool_.resize(pool_.size() - count);
    return held;
}

Traffic::Numbers Traffic::numbers_of(const std::vector<Held>& held) {
    Numbers numbers;
    for (const Held& one : held)
        numbers.push_back(one.number);
    return numbers;
}

// Puts descriptors into the pool, which are to be those sent.
void Traffic::keep(const Numbers& numbers, const std::vector<Held>& as) {
    check(numbers.size() == as.size(), "as many come as were sent");
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (as[i].inode != 0 && pick(8) == 0)
            check(need(sys_fstat(Fd{numbers[i]}), "stat").st_ino == as[i].inode,
                  "what comes is what was sent");
        pool_.push_back({numbers[i], as[i].inode});
    }
}

void Traffic::put_all(Numbers& numbers, std::uint64_t flags) {
    check(need(carrier_->put(numbers, flags), "put") == numbers.size(), "all are put");
    const bool copied = (flags & CallFlags::kFdClone) != 0;
    check(is_open(numbers[pick(numbers.size())]) == copied, "whether the sender still has them");
}

Traffic::Numbers Traffic::take_all(std::size_t count, std::uint64_t flags) {
    Numbers numbers(count, kAnyRun);
    check(need(carrier_->take(numbers, flags), "take") == count, "all are taken");
    moved_ += count;
    return numbers;
}

void Traffic::there_and_back(std::uint64_t flags) {
    const std::vector<Held> held = some();
    Numbers numbers = numbers_of(held);
    put_all(numbers, 0);
    const Numbers taken = take_all(numbers.size(), flags);
    const bool upper = (flags & CallFlags::kFdUpper) != 0;
    for (const std::uint64_t number : taken)
        check(((number & kUpper) != 0) == upper, "in the half that was asked for");
    keep(taken, held);
}

void Traffic::one_by_one() {
    const std::vector<Held> held = some();
    for (const Held& one : held)
        need(carrier_->put_one(one.number, 0), "send");
    Numbers taken;
    for (std::size_t i = 0; i < held.size(); ++i) {
        const auto fd = carrier_->take_one();
        if (fd) {
            taken.push_back(word(*fd));
            ++moved_;
        } else {
            check(fd.error() == Errno::kEOPNOTSUPP, "take one");
            taken.push_back(take_all(1, 0).front());
        }
    }
    keep(taken, held);
}

void Traffic::copied() {
    const std::vector<Held> held = some();
    Numbers numbers = numbers_of(held);
    put_all(numbers, CallFlags::kFdClone);
    const Numbers taken = take_all(numbers.size(), 0);
    // Either of the two may go.
    close_all(pick(2) == 0 ? taken : numbers);
    keep(is_open(taken.front()) && !is_open(numbers.front()) ? taken : numbers, held);
}

void Traffic::to_named_places() {
    const std::vector<Held> held = some();
    Numbers numbers = numbers_of(held);
    put_all(numbers, 0);
    Numbers places(numbers.size());
    for (std::size_t i = 0; i < places.size(); ++i)
        places[i] = 1000 + i;
    check(need(carrier_->take(places, CallFlags::kFdUpper), "take to places") == places.size(),
          "all are taken");
    moved_ += places.size();
    for (std::uint64_t& place : places)
        place |= kUpper;
    // They are in the way of the next ones, so they get other numbers.
    for (std::uint64_t& place : places) {
        const Fd lower = need(sys_dup(Fd{place}, ""), "dup");
        (void)sys_close(Fd{place});
        place = word(lower);
    }
    keep(places, held);
}

void Traffic::exclusively() {
    Numbers numbers = fresh_pipes(1 + pick(kMost));
    put_all(numbers, CallFlags::kFdExclusive);
    close_all(take_all(numbers.size(), 0));
}

// Refused, and what was to be moved is closed, as on Redox.
void Traffic::exclusively_while_shared() {
    Numbers numbers = fresh_pipes(1 + pick(kMost));
    const Fd other = need(sys_dup(Fd{numbers[pick(numbers.size())]}, ""), "dup");
    const bool copy = pick(4) == 0;
    const auto put =
        carrier_->put(numbers, CallFlags::kFdExclusive | (copy ? CallFlags::kFdClone : std::uint64_t{0}));
    check(!put && put.error() == Errno::kEBUSY, "shared ones are refused");
    ++refused_;
    for (const std::uint64_t number : numbers)
        check(is_open(number) == copy, "all or none");
    close_all(numbers);
    (void)sys_close(other);
}

void Traffic::with_a_bad_number() {
    const std::vector<Held> held = some();
    Numbers numbers = numbers_of(held);
    const std::uint64_t bad = pick(2) == 0 ? numbers.front() : std::uint64_t{60000};
    numbers.insert(numbers.begin() + static_cast<std::ptrdiff_t>(1 + pick(numbers.size())), bad);
    const auto put = carrier_->put(numbers, pick(2) == 0 ? CallFlags::kFdExclusive : std::uint64_t{0});
    check(!put && put.error() == Errno::kEBADF, "a bad number is refused");
    ++refused_;
    for (const Held& one : held)
        check(is_open(one.number), "nothing was taken");
    pool_.insert(pool_.end(), held.begin(), held.end());
}

void Traffic::refused_by_the_carrier() {
    const auto how = pick(2) == 0 ? Carrier::Refusal::kAll : Carrier::Refusal::kHalf;
    const std::vector<Held> held = some();
    Numbers numbers = numbers_of(held);
    if (pick(2) == 0) {
        if (!carrier_->refuse(how)) {
            pool_.insert(pool_.end(), held.begin(), held.end());
            return;
        }
        const auto put = carrier_->put(numbers, 0);
        check(!put && put.error() == Errno::kENOSPC, "a full box");
    } else {
        put_all(numbers, 0);
        if (carrier_->refuse(how)) {
            Numbers places(numbers.size());
            const auto taken = carrier_->take(places, 0);
            check(!taken, "a box that gives nothing");
            if (how == Carrier::Refusal::kAll) numbers = take_all(numbers.size(), 0);
        } else {
            numbers = take_all(numbers.size(), 0);
        }
    }
    ++refused_;
    const bool kept = is_open(numbers.front());
    for (const std::uint64_t number : numbers)
        check(is_open(number) == kept, "all or none");
    if (kept) keep(numbers, held);
}

// What a receiver cannot place goes back, where the carrier keeps it, or is closed.
void Traffic::taken_with_errors() {
    const std::vector<Held> held = some();
    Numbers numbers = numbers_of(held);
    const std::size_t count = numbers.size();
    put_all(numbers, 0);
    Numbers places(count);
    switch (pick(3)) {
        case 0: {
            // Two at one place.
            if (count < 2) break;
            std::fill(places.begin(), places.end(), 2000);
            const auto taken = carrier_->take(places, CallFlags::kFdUpper);
            check(!taken && taken.error() == Errno::kEINVAL, "two at one place");
            break;
        }
        case 1: {
            // The last place is taken.
            const Fd there = need(sys_dup2(Fd::kStdout, Fd{3000 | kUpper}), "dup2");
            for (std::size_t i = 0; i < count; ++i)
                places[i] = 3000 - (count - 1 - i);
            const auto taken = carrier_->take(places, CallFlags::kFdUpper);
            check(!taken && taken.error() == Errno::kEEXIST, "a place that is taken");
            (void)sys_close(there);
            break;
        }
        default: {
            // Numbers that cannot be told.
            abi::Map map{};
            map.size = 4096;
            map.flags = abi::MapFlags::kProtRead | abi::MapFlags::kMapPrivate;
            std::byte* const page = need(sys_fmap(Fd::kNone, map), "a page to read");
            const auto taken = carrier_->take(std::span(reinterpret_cast<std::uint64_t*>(page), count), 0);
            check(!taken && taken.error() == Errno::kEFAULT, "a payload that cannot be written");
            (void)unmap(page, 4096);
        }
    }
    ++refused_;
    // A box has given its away; the others wait.
    if (carrier_->impatient()) {
        Numbers again(count);
        const auto taken = carrier_->take(again, 0);
        if (taken) keep(again, held);
        return;
    }
    keep(take_all(count, 0), held);
}

// A scheme that takes no descriptors at all.
void Traffic::refused_by_a_channel() {
    const UniqueFd listener =
        need(open_file("/scheme/chan/transfers", OpenFlags::kRdwr | OpenFlags::kCreat), "listen");
    const UniqueFd channel = need(open_file("/scheme/chan/transfers", OpenFlags::kRdwr), "connect");
    const std::vector<Held> held = some();
    Numbers numbers = numbers_of(held);
    const auto sent = sys_call(channel.fd(), std::as_writable_bytes(std::span(numbers)),
                               CallFlags::kFd | CallFlags::kWrite, {});
    check(!sent && sent.error() == Errno::kEOPNOTSUPP, "a channel takes none");
    ++refused_;
    for (const std::uint64_t number : numbers)
        check(is_open(number), "nothing was taken");
    pool_.insert(pool_.end(), held.begin(), held.end());
}

void Traffic::lost_on_the_way() {
    Numbers numbers = numbers_of(some());
    put_all(numbers, 0);
    renew_carrier();
    for (const std::uint64_t number : numbers)
        check(!is_open(number) || (number & kUpper) != 0 || number < 100, "they are gone");
}

// From its copy of our table.
void Traffic::sent_by_a_child() {
    const std::vector<Held> held = some();
    Numbers numbers = numbers_of(held);
    await_child(child_that([&] { put_all(numbers, 0); }), 0);
    // A child's messages are in the carrier, and we have not been told yet.
    close_all(take_all(numbers.size(), 0));
    pool_.insert(pool_.end(), held.begin(), held.end());
}

void Traffic::taken_by_a_child() {
    const std::vector<Held> held = some();
    Numbers numbers = numbers_of(held);
    put_all(numbers, CallFlags::kFdClone);
    await_child(child_that([&] { (void)take_all(numbers.size(), 0); }), 0);
    moved_ += numbers.size();
    pool_.insert(pool_.end(), held.begin(), held.end());
}

void Traffic::child_killed_while_it_waits() {
    const Pipe started = need(make_pipe(), "pipe");
    const std::uint32_t child = child_that([&] {
        constexpr std::byte kGo[1] = {};
        (void)sys_write(started.writer.fd(), kGo);
        Numbers numbers(1);
        for (;;)
            (void)carrier_->take(numbers, 0);
    });
    std::byte go{};
    need(sys_read(started.reader.fd(), {&go, 1}), "a child that takes");
    kill_child(child);
    there_and_back(0);
}

void Traffic::child_killed_while_it_moves() {
    const Pipe started = need(make_pipe(), "pipe");
    const std::uint32_t child = child_that([&] {
        // What is in it when its owner is killed ends with it.
        renew_carrier();
        constexpr std::byte kGo[1] = {};
        (void)sys_write(started.writer.fd(), kGo);
        for (;;)
            there_and_back(0);
    });
    std::byte go{};
    need(sys_read(started.reader.fd(), {&go, 1}), "a child that moves");
    for (std::uint64_t i = pick(100); i > 0; --i)
        sys_yield();
    kill_child(child);
}

void Traffic::round() {
    fill_pool();
    switch (pick(100)) {
        case 0:
            return sent_by_a_child();
        case 1:
            return taken_by_a_child();
        case 2:
            return child_killed_while_it_waits();
        case 3:
            return child_killed_while_it_moves();
        case 4:
            return lost_on_the_way();
        default:
            break;
    }
    switch (pick(20)) {
        case 0:
            return one_by_one();
        case 1:
            return copied();
        case 2:
            return to_named_places();
        case 3:
            return exclusively();
        case 4:
            return exclusively_while_shared();
        case 5:
            return with_a_bad_number();
        case 6:
            return refused_by_the_carrier();
        case 7:
            return taken_with_errors();
        case 8:
            return there_and_back(CallFlags::kFdUpper);
        case 9:
            return there_and_back(CallFlags::kFdCloexec);
        default:
            return there_and_back(0);
    }
}

}  // namespace halfcell::userland
