#pragma once

// The supervisor's end of the two rings that it shares with a server of the host. Nothing the server writes
// is believed before it is checked, and each word is read once.

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "kernel_shim/base/result.h"
#include "kernel_shim/host/unique_fd.h"
#include "schemes/server/host_protocol.h"

namespace halfcell::host_server {

class Rings {
  public:
    // ENOMEM, EMFILE.
    static Result<std::unique_ptr<Rings>> create();
    Rings(const Rings&) = delete;
    Rings& operator=(const Rings&) = delete;
    ~Rings();

    // For the server: it can only read the first.
    [[nodiscard]] int request_file() const { return request_file_.get(); }
    [[nodiscard]] int answer_file() const { return answer_file_.get(); }

    // --- requests; one thread at a time.

    // Free slots for requests. EPROTO where the server has consumed what was never there.
    [[nodiscard]] Result<std::uint32_t> room();
    // Whether the server is to ring when it has consumed requests. Look at room() once more after `true`.
    void want_room(bool wants);
    [[nodiscard]] bool wants_room() const { return ours_.wants_room.load(std::memory_order_relaxed) != 0; }
    // Adds requests, as many as room() said at most.
    void push(std::span<const abi::Sqe> requests);
    // Somebody on this CPU waits for what was pushed. After some such in a row the server is told of it.
    void advise_cpu(int cpu);

    // --- answers; one thread at a time.

    // Takes answers; their number. EPROTO where the server claims more than there can be.
    Result<std::size_t> take(std::span<abi::Cqe> to);
    [[nodiscard]] bool answers_wait() const;
    // Whether there was no room for more before the last take(): the server may wait for it.
    [[nodiscard]] bool were_full() const;

    // --- bells.

    // How the server is to be told of what is new. After push or take.
    [[nodiscard]] server::Sleep server_sleep() const { return theirs_.sleep.load(std::memory_order_seq_cst); }
    // Wakes a server that sleeps on our bell. Any thread.
    void ring();
    // How we are to be told. Before a last look at answers_wait().
    void set_sleep(server::Sleep sleep) { ours_.sleep.store(sleep, std::memory_order_seq_cst); }
    // The futex that the server wakes for Sleep::kOnBell.
    [[nodiscard]] const std::atomic<std::uint32_t>& bell() const { return theirs_.bell; }

  private:
    // So many callers in a row are no accident, and soon over.
    static constexpr unsigned kSettled = 8;

    Rings(host::UniqueFd request_file, host::UniqueFd answer_file, server::RequestPage& ours,
          const server::AnswerPage& theirs)
        : request_file_(std::move(request_file)),
          answer_file_(std::move(answer_file)),
          ours_(ours),
          theirs_(theirs) {}

    const host::UniqueFd request_file_;
    const host::UniqueFd answer_file_;
    server::RequestPage& ours_;
    const server::AnswerPage& theirs_;
    // What only we know; the copies in our page are for the server, who cannot change them.
    std::uint32_t produced_ = 0;
    std::uint32_t requests_consumed_ = 0;  // as far as the server has gone
    std::uint32_t answers_consumed_ = 0;
    std::uint32_t consumed_before_ = 0;  // the last take()
    unsigned elsewhere_ = 0;  // callers in a row that waited on another CPU than the server was told
};

}  // namespace halfcell::host_server
