// Showing pages of another address space, and taking them over. The two locks are never held together: the
// target is prepared first, then the source is asked, then the target is filled.
// Source: kernel:src/scheme/proc.rs kfmap, kernel:src/context/memory.rs Grant::borrow,
// AddrSpaceWrapper::move.

#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/mem/address_space_state.h"
#include "kernel_shim/mem/map_request.h"
#include "kernel_shim/mem/move.h"

namespace halfcell::mem {

// Keeps the file grants of a source pinned while a borrowed piece shows them. Every piece holds it; it goes
// with the last one, outside any address-space lock.
class FilePins final : public GrantOwner {
  public:
    explicit FilePins(std::weak_ptr<AddressSpace> source) : source_(std::move(source)) {}
    ~FilePins() override {
        if (bases_.empty()) return;
        const auto source = source_.lock();
        if (!source) return;
        source->state_->books.with([&](Books& books) {
            // A pinned grant can be neither moved nor cut, so it is where it was.
            for (const std::uint64_t base : bases_)
                books.regions.first_above(base)->second.pins -= 1;
        });
    }
    void unmapped(std::uint64_t, std::uint64_t, bool) override {}
    // Needs the lock of the source.
    void pin(Grant& grant) {
        grant.pins += 1;
        bases_.push_back(grant.range.base);
    }
    [[nodiscard]] bool empty() const { return bases_.empty(); }

  private:
    std::weak_ptr<AddressSpace> source_;
    std::vector<std::uint64_t> bases_;
};

namespace {

// Puts pieces that lie one after the other where `range` is.
void move_to(std::vector<Grant>& pieces, PageRange range) {
    std::uint64_t at = range.base;
    for (Grant& piece : pieces) {
        piece.range.base = at;
        at = piece.range.end();
    }
}

}  // namespace

Result<std::uint64_t> AddressSpace::borrow(AddressSpace& source, std::uint64_t source_address,
                                           const MapRequest& request) {
    if (&source == this) return fail(Errno::kEBUSY);
    const PageRange range = TRY(validate_range(source_address, request.size, RangeRule::kSpan));
    Departed departed;
    TRY(state_->books.with(
        [&](Books& books) { return prepare_target(books, request, range.size, departed); }));
    std::vector<Grant> pieces = TRY(source.lend(range, request.protection));
    // Held until the lock is released: letting go of the last pin takes the lock of the source.
    const std::shared_ptr<GrantOwner> pins = pieces.front().owner;
    return state_->books.with([&](Books& books) -> Result<std::uint64_t> {
        const PageRange target = TRY(books.place(request, departed));
        move_to(pieces, target);
        TRY(books.install(std::move(pieces), departed));
        return target.base;
    });
}

// What a borrower of `range` shows; files are pinned until those pieces are gone. EINVAL, EPERM; ENOMEM and
// ESRCH as Books::thaw.
Result<std::vector<Grant>> AddressSpace::lend(PageRange range, Protection protection) {
    // Declared outside the lock, which its destructor takes.
    const auto pins = std::make_shared<FilePins>(weak_from_this());
    return state_->books.with([&](Books& books) -> Result<std::vector<Grant>> {
        TRY(check_lendable(books, range, protection));
        // Only bytes of objects can be shown elsewhere.
        TRY(books.thaw(range, pool_));
        std::vector<Grant> pieces;
        std::vector<Grant*> files;
        auto region = books.regions.first_above(range.base);
        for (std::uint64_t at = range.base; at < range.end(); ++region) {
            Grant& grant = region->second;
            if (grant.kind == GrantKind::kFile) files.push_back(&grant);
            Grant piece = grant.slice(grant.range.intersection(range));
            piece.kind = GrantKind::kBorrowed;
            piece.protection = protection;
            piece.pins = 0;
            piece.owner = nullptr;
            piece.joined = !pieces.empty();
            at = piece.range.end();
            pieces.push_back(std::move(piece));
        }
        for (Grant* const file : files)
            pins->pin(*file);
        if (!pins->empty())
            for (Grant& piece : pieces)
                piece.owner = pins;
        return pieces;
    });
}

Result<std::uint64_t> AddressSpace::transfer(AddressSpace& source, std::uint64_t source_address,
                                             const MapRequest& request) {
    if (&source == this) return fail(Errno::kEBUSY);
    const PageRange range = TRY(validate_range(source_address, request.size, RangeRule::kSpan));
    Departed departed;
    const PageRange chosen = TRY(state_->books.with(
        [&](Books& books) { return prepare_target(books, request, range.size, departed); }));
    std::vector<Grant> pieces;
    std::vector<Grant> originals;
    const auto given = source.give_away(range, pieces, chosen, request.protection, originals);
    if (!given) {
        source.take_back(std::move(originals));
        return fail(given.error());
    }
    const auto installed = state_->books.with([&](Books& books) -> Result<std::uint64_t> {
        // Another thread may have mapped there meanwhile; a place of the kernel's choice can change.
        PageRange target = chosen;
        if (request.placement != Placement::kAnywhere || books.regions.overlaps(chosen))
            target = TRY(books.place(request, departed));
        move_to(pieces, target);
        TRY(books.install(std::move(pieces), departed));
        return target.base;
    });
    if (!installed) source.take_back(std::move(originals));
    return installed;
}

// Takes the grants in `range` out of this space: `pieces` shows them at `target`, `originals` are they
// themselves. EBUSY, EPERM, ENOMEM, ESRCH; then `originals` are to be taken back.
Result<void> AddressSpace::give_away(PageRange range, std::vector<Grant>& pieces, PageRange target,
                                     Protection protection, std::vector<Grant>& originals) {
    return state_->books.with([&](Books& books) -> Result<void> {
        TRY(check_source(books, range.base, range.size, protection));
        if (target.overlaps(range)) return fail(Errno::kEBUSY);
        TRY(books.thaw(range, pool_));
        pieces = TRY(pieces_of(books.regions, range, target, protection, pool_));
        Departed moved;
        const Result<void> removed = books.unmap(range, moved);
        originals = moved.dismiss();
        return removed;
    });
}

// Undoes give_away, as far as nobody has mapped there meanwhile.
void AddressSpace::take_back(std::vector<Grant> originals) {
    Departed departed;
    state_->books.with([&](Books& books) {
        for (Grant& grant : originals) {
            std::vector<Grant> one;
            if (books.regions.overlaps(grant.range)) continue;
            one.push_back(std::move(grant));
            (void)books.install(std::move(one), departed);
        }
    });
}

}  // namespace halfcell::mem
