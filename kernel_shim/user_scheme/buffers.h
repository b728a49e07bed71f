#pragma once

// How the server of a scheme gets to see its callers' buffers.

#include <string_view>

#include "kernel_shim/mem/user_slice.h"
#include "kernel_shim/user_scheme/lend.h"

namespace halfcell::user_scheme {

class Buffers {
  public:
    Buffers() = default;
    Buffers(const Buffers&) = delete;
    Buffers& operator=(const Buffers&) = delete;
    virtual ~Buffers() = default;

    // Makes a buffer reachable for the server. Takes address-space locks; hold no lock. EFAULT (bytes to be
    // copied in), ENOMEM, and what the implementation says.
    virtual Result<Loan> lend(const mem::UserIn& buffer) = 0;
    virtual Result<Loan> lend(const mem::UserOut& buffer) = 0;
    virtual Result<Loan> lend(const mem::UserInOut& buffer) = 0;
    // A copy of a path of up to a page, with nothing but zeros beside it.
    virtual Result<Loan> lend_path(std::string_view path) = 0;

    // The server serves no longer.
    virtual void close() {}
};

}  // namespace halfcell::user_scheme
