#pragma once

// "filetable", "filetable-binary" and the copies made of them: which descriptors a table holds, and the table
// itself for a current-filetable handle to choose. Source: kernel:src/scheme/proc.rs
// ContextHandle::Filetable, NewFiletable.

#include <string>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/fd/fd_table.h"
#include "schemes/kernel/proc/handle.h"

namespace halfcell::schemes::proc {

// Decimal lines, or native 64-bit words.
enum class FileTableFormat : std::uint8_t { kText, kBinary };

// The numbers of a table as they were, to be written out when somebody reads them: whoever starts a thread
// opens such a handle and does not.
struct FileTableListing {
    std::vector<std::uint64_t> numbers;
    FileTableFormat format;

    [[nodiscard]] std::string text() const;
};

class FileTableHandle : public Handle {
  public:
    // Lists `table` as it is now; holds it weakly.
    FileTableHandle(ProcScheme& scheme, const std::shared_ptr<fd::FdTable>& table, FileTableFormat format);
    // A new table that nobody uses yet, with the listing of the handle it was made from.
    FileTableHandle(ProcScheme& scheme, std::shared_ptr<fd::FdTable> copy, FileTableListing listing);

    // The listing from `offset` on. EBADF for a copy that was not chosen yet.
    Result<std::uint64_t> read(const scheme::Caller& caller, const mem::UserOut& to,
                               std::uint64_t offset) override;
    // "copy": without current-filetable handles, which upstream copies too. EOWNERDEAD where the table is
    // gone; EINVAL for other names and for copies not chosen yet.
    Result<scheme::OpenResult> dup(const scheme::Caller& caller, std::string_view name) override;
    [[nodiscard]] std::uint64_t size() const override { return listing_.text().size(); }

    // The table, to be used by a context. A copy is from now on held weakly too. EOWNERDEAD.
    Result<std::shared_ptr<fd::FdTable>> choose();

  private:
    struct State {
        std::weak_ptr<fd::FdTable> table;
        std::shared_ptr<fd::FdTable> unused_copy;
    };

    ProcScheme& scheme_;
    const FileTableListing listing_;
    Guarded<State, LockLevel::kObject> state_;
};

}  // namespace halfcell::schemes::proc
