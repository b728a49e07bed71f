#pragma once

// Where a scheme's server sees its callers' buffers, and the scratch pages kept there.
// Source: kernel:src/scheme/user.rs capture_user, copy_and_capture_tail.

#include <cstdint>
#include <memory>
#include <string_view>

#include "kernel_shim/mem/user_slice.h"
#include "kernel_shim/task/context.h"
#include "kernel_shim/user_scheme/buffers.h"

namespace halfcell::user_scheme {

class Lender final : public Buffers {
  public:
    // `server`: the context that made the scheme; buffers appear in the address space it has at the time.
    // `pool` outlives the lender, and the lender its loans.
    Lender(machine::Pool& pool, std::weak_ptr<task::Context> server)
        : pool_(pool), server_(std::move(server)), windows_(pool) {}
    ~Lender() override { windows_.close(); }

    // The server's address space. ESRCH once that context has ended, whoever else serves the scheme.
    [[nodiscard]] Result<std::shared_ptr<mem::AddressSpace>> server_space() const;

    // Makes a buffer reachable. Takes address-space locks and may cost the server an agent command; hold no
    // lock. In the caller's own space the server gets the caller's pointer. ESRCH (no server), EFAULT (bytes
    // to be copied in), EINVAL (a hole in the middle), EPERM (middle pages that can never be written),
    // ENOMEM.
    Result<Loan> lend(const mem::UserIn& buffer) override;
    Result<Loan> lend(const mem::UserOut& buffer) override;
    Result<Loan> lend(const mem::UserInOut& buffer) override;
    // A copy of a path of up to a page, alone on a read-only page of zeros. ESRCH, ENOMEM.
    Result<Loan> lend_path(std::string_view path) override;

    // Takes the scratch pages from the server for good: it serves no longer, but may live on.
    void close() override { windows_.close(); }

  private:
    struct Buffer {
        const mem::UserSlice* slice;
        Direction direction;
        const mem::UserIn* in;  // null where nothing goes to the server
    };
    Result<Loan> lend(const Buffer& buffer, std::optional<mem::UserOut> owner);
    Result<void> lend_scratch(Loan& loan, const Buffer& buffer, const BufferParts& parts,
                              const std::shared_ptr<mem::AddressSpace>& server);
    Result<void> lend_pages(Loan& loan, const Buffer& buffer, const BufferParts& parts,
                            const std::shared_ptr<mem::AddressSpace>& server);
    Result<void> lend_copy(Loan& loan, const Buffer& buffer, const BufferParts& parts,
                           const std::shared_ptr<mem::AddressSpace>& server);

    machine::Pool& pool_;
    const std::weak_ptr<task::Context> server_;
    Windows windows_;
};

}  // namespace halfcell::user_scheme
