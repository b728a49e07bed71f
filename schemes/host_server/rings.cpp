#include "schemes/host_server/rings.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::host_server {

using server::AnswerPage;
using server::kAnswerPageSize;
using server::kAnswerSlots;
using server::kRequestPageSize;
using server::kRequestSlots;
using server::RequestPage;

namespace {

Result<void*> map(int file, std::uint64_t size, int protection) {
    void* const bytes = ::mmap(nullptr, size, protection, MAP_SHARED, file, 0);
    if (bytes == MAP_FAILED) return fail(host::last_error());
    return bytes;
}

Result<void> seal(int file, int seals) {
    if (::fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | seals) != 0)
        return fail(host::last_error());
    return {};
}

}  // namespace

Result<std::unique_ptr<Rings>> Rings::create() {
    host::UniqueFd requests = TRY(host::create_memory_file("halfcell-requests", kRequestPageSize));
    host::UniqueFd answers = TRY(host::create_memory_file("halfcell-answers", kAnswerPageSize));
    void* const ours = TRY(map(requests.get(), kRequestPageSize, PROT_READ | PROT_WRITE));
    // The mapping that is there stays writable, no other can be.
    const Result<void> sealed = seal(requests.get(), F_SEAL_FUTURE_WRITE);
    const Result<void*> theirs = sealed && seal(answers.get(), 0)
                                     ? map(answers.get(), kAnswerPageSize, PROT_READ)
                                     : Result<void*>(fail(host::last_error()));
    if (!theirs) {
        ::munmap(ours, kRequestPageSize);
        return fail(theirs.error());
    }
    return std::unique_ptr<Rings>(new Rings(std::move(requests), std::move(answers), *new (ours) RequestPage,
                                            *static_cast<const AnswerPage*>(*theirs)));
}

Rings::~Rings() {
    ::munmap(&ours_, kRequestPageSize);
    ::munmap(const_cast<AnswerPage*>(&theirs_), kAnswerPageSize);
}

Result<std::uint32_t> Rings::room() {
    const std::uint32_t consumed = theirs_.requests_consumed.load(std::memory_order_acquire);
    // Counters only grow, and never past what we have produced.
    if (consumed - requests_consumed_ > produced_ - requests_consumed_) return fail(Errno::kEPROTO);
    requests_consumed_ = consumed;
    return kRequestSlots - (produced_ - consumed);
}

void Rings::push(std::span<const abi::Sqe> requests) {
    for (const abi::Sqe& sqe : requests)
        ours_.requests[produced_++ % kRequestSlots] = sqe;
    ours_.produced.store(produced_, std::memory_order_seq_cst);
}

Result<std::size_t> Rings::take(std::span<abi::Cqe> to) {
    const std::uint32_t produced = theirs_.produced.load(std::memory_order_acquire);
    const std::uint32_t waiting = produced - answers_consumed_;
    if (waiting > kAnswerSlots) return fail(Errno::kEPROTO);
    const std::size_t count = std::min<std::size_t>(waiting, to.size());
    consumed_before_ = answers_consumed_;
    for (std::size_t i = 0; i < count; ++i)
        std::memcpy(&to[i], &theirs_.answers[answers_consumed_++ % kAnswerSlots], sizeof to[i]);
    ours_.answers_consumed.store(answers_consumed_, std::memory_order_seq_cst);
    return count;
}

void Rings::ring() {
    // Wrapping is fine: what matters is that it changes.
    ours_.bell.fetch_add(1, std::memory_order_seq_cst);
    host::wake_shared_futex(reinterpret_cast<std::uint32_t*>(&ours_.bell));
}

void Rings::want_room(bool wants) {
    if (wants != wants_room()) ours_.wants_room.store(wants ? 1 : 0, std::memory_order_seq_cst);
}

void Rings::advise_cpu(int cpu) {
    const auto number = static_cast<std::uint32_t>(cpu);
    if (number == ours_.cpu.load(std::memory_order_relaxed)) {
        elsewhere_ = 0;
    } else if (++elsewhere_ == kSettled) {
        ours_.cpu.store(number, std::memory_order_relaxed);
        elsewhere_ = 0;
    }
}

bool Rings::answers_wait() const {
    return theirs_.produced.load(std::memory_order_seq_cst) !=
           ours_.answers_consumed.load(std::memory_order_relaxed);
}

// A server that has seen no room says that it sleeps, and looks once more. So either it sees what the last
// take() made, or this sees here what it has produced.
bool Rings::were_full() const {
    return theirs_.produced.load(std::memory_order_seq_cst) - consumed_before_ >= kAnswerSlots;
}

}  // namespace halfcell::host_server
