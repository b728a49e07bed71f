#pragma once

// The supervisor's end of the two rings that it shares with a server of the host. Nothing the server writes
// is believed before it is checked, and each word is read once.

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
    // Adds requests, as many as room() said at most.
    void push(std::span<const abi::Sqe> requests);

    // --- answers; one thread at a time.

    // Takes answers; their number. EPROTO where the server claims more than there can be.
    Result<std::size_t> take(std::span<abi::Cqe> to);

    // --- bells.

    // Whether the server sleeps, so that what is new has to be told. After push or take.
    [[nodiscard]] bool server_sleeps() const;
    // We are about to sleep, or do no longer. Look at answers_wait() in between.
    void sleeping(bool sleeps);
    [[nodiscard]] bool answers_wait() const;

  private:
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
};

}  // namespace halfcell::host_server
