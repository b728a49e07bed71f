#include "kernel_shim/user_scheme/lend.h"

#include "kernel_shim/user_scheme/lender.h"
#include "tests/unit/user_scheme/user_scheme_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using user_scheme::BufferParts;
using user_scheme::Lender;
using user_scheme::Loan;
using user_scheme::split_buffer;

TEST_CASE("a buffer is a head, whole pages and a tail") {
    const auto check = [](std::uint64_t address, std::uint64_t size, std::uint64_t head, std::uint64_t middle,
                          std::uint64_t tail, std::uint64_t pages) {
        const BufferParts parts = split_buffer(address, size);
        CAPTURE(address);
        CAPTURE(size);
        CHECK(parts.in_page == address % kPage);
        CHECK(parts.head_size == head);
        CHECK(parts.middle_size == middle);
        CHECK(parts.tail_size == tail);
        CHECK(parts.pages() == pages);
    };
    check(0x1000, 1, 0, 0, 1, 1);
    check(0x1000, kPage, 0, kPage, 0, 1);
    check(0x1000, kPage + 1, 0, kPage, 1, 2);
    check(0x1001, 1, 1, 0, 0, 1);
    check(0x1001, kPage - 1, kPage - 1, 0, 0, 1);
    check(0x1001, kPage, kPage - 1, 0, 1, 2);
    check(0x1fff, 2, 1, 0, 1, 2);
    check(0x1fff, 2 * kPage, 1, kPage, kPage - 1, 3);
    check(0x1fff, kPage + 1, 1, kPage, 0, 2);
    check(0x1000, 5 * kPage, 0, 5 * kPage, 0, 5);
}

namespace {

using user_scheme::Windows;

struct LendFixture {
    Loan lend(const auto& buffer) {
        auto loan = lender.lend(buffer);
        REQUIRE(loan.has_value());
        return std::move(*loan);
    }
    // Every byte the server can read beyond the buffer on the pages it was given.
    bool only_zeros(std::uint64_t from, std::uint64_t to) const {
        const std::string bytes = server.text(from, to - from);
        return bytes == std::string(bytes.size(), '\0');
    }

    FakePool pool;
    FakeMachineFactory machines;
    NoCalls calls;
    task::Kernel kernel{pool, machines, calls};
    Party server{kernel, pool, machines};
    Party client{kernel, pool, machines};
    Lender lender{pool, server.context};
    // Of the client, more than a window holds.
    static constexpr std::uint64_t kLarge = (Windows::kMostPages + 8) * kPage;
    const std::uint64_t large = *client.space->map({.size = kLarge, .protection = {.write = true}}, {});
};

}  // namespace

TEST_CASE_FIXTURE(LendFixture, "an empty buffer is an address that is never mapped") {
    const Loan loan = lend(client.in(0, 0));
    CHECK(loan.address() == std::uint64_t{1} << 62);
    CHECK(loan.size() == 0);
    CHECK(server.grants() == 1);
}

TEST_CASE_FIXTURE(LendFixture, "in its own space a server gets the caller's pointer") {
    const Loan loan = lend(server.out(5, 3 * kPage));
    CHECK(loan.address() == server.buffer + 5);
    CHECK(server.grants() == 1);
}

TEST_CASE_FIXTURE(LendFixture, "a small buffer is copied, and nothing around it is seen") {
    client.put(client.buffer, std::string(kPage, 'x'));
    client.put(client.buffer + 100, "hello");
    const Loan loan = lend(client.in(100, 5));
    CHECK(loan.address() % kPage == 100);
    CHECK(server.text(loan.address(), 5) == "hello");
    const std::uint64_t page = loan.address() - 100;
    CHECK(only_zeros(page, loan.address()));
    CHECK(only_zeros(loan.address() + 5, page + kPage));
    CHECK(server.text(page + kPage, 1) == "error EFAULT");
    // What goes to the server it cannot change.
    const std::string_view other = "other";
    CHECK_FALSE(server.space->write(loan.address(), std::as_bytes(std::span(other))));
    CHECK(loan.copy_back(5));
    CHECK(client.text(client.buffer + 99, 7) == "xhellox");
}

TEST_CASE_FIXTURE(LendFixture, "scratch pages are cleared from one buffer to the next") {
    client.put(client.buffer, "secret of one");
    std::uint64_t first = 0;
    {
        const Loan loan = lend(client.in(0, 13));
        first = loan.address();
    }
    const Loan loan = lend(client.in(200, 1));
    CHECK(loan.address() == first + 200);
    CHECK(only_zeros(first, first + kPage));
}

TEST_CASE_FIXTURE(LendFixture, "what the server fills comes back as far as it says") {
    client.put(client.buffer, "................");
    const Loan loan = lend(client.out(2, 10));
    CHECK(only_zeros(loan.address(), loan.address() + 10));
    server.put(loan.address(), "0123456789");
    CHECK(loan.copy_back(4));
    CHECK(client.text(client.buffer, 16) == "..0123..........");
    CHECK(loan.copy_back(UINT64_MAX));
    CHECK(client.text(client.buffer, 16) == "..0123456789....");
    CHECK(loan.copy_back(0));
}

TEST_CASE_FIXTURE(LendFixture, "a buffer of several pages is copied, and nothing around it is seen") {
    client.put(client.buffer, std::string(4 * kPage, 'x'));
    const Loan loan = lend(client.both(kPage - 3, kPage + 3 + 7));
    const std::uint64_t at = loan.address();
    CHECK(at % kPage == kPage - 3);
    CHECK(server.text(at, kPage + 10) == std::string(kPage + 10, 'x'));
    CHECK(only_zeros(at - (kPage - 3), at));
    CHECK(only_zeros(at + 3 + kPage + 7, at + 3 + 2 * kPage));
    server.put(at + 2, "ab");
    CHECK(client.text(client.buffer + kPage - 1, 2) == "xx");
    CHECK(loan.copy_back(3));
    CHECK(client.text(client.buffer + kPage - 1, 2) == "ax");
    CHECK(loan.copy_back(loan.size()));
    CHECK(client.text(client.buffer + kPage - 1, 2) == "ab");
}

TEST_CASE_FIXTURE(LendFixture, "a smaller buffer after a larger one shows nothing of it") {
    client.put(client.buffer, std::string(4 * kPage, 's'));
    std::uint64_t base = 0;
    { base = lend(client.in(0, 4 * kPage)).address(); }
    SUBCASE("to the server") {
        const Loan loan = lend(client.in(kPage + 5, 2 * kPage));
        REQUIRE(loan.address() == base + 5);
        CHECK(only_zeros(base, base + 5));
        CHECK(server.text(base + 5, 2 * kPage) == std::string(2 * kPage, 's'));
        CHECK(only_zeros(base + 5 + 2 * kPage, base + 4 * kPage));
    }
    SUBCASE("from the server, which finds zeros to answer with") {
        { (void)lend(client.both(0, 4 * kPage)); }
        const Loan loan = lend(client.out(7, 2 * kPage + 10));
        CHECK(only_zeros(loan.address() - 7, loan.address() + 4 * kPage - 7));
        CHECK(loan.copy_back(2 * kPage));
        CHECK(client.text(client.buffer + 6, 3) == std::string("s\0\0", 3));
    }
}

TEST_CASE_FIXTURE(LendFixture, "the largest window and the smallest buffer that is shown") {
    CHECK(lend(*mem::UserIn::create(*client.space, large, Windows::kMostPages * kPage)).address() != 0);
    const std::size_t kept = server.grants();
    {
        const auto size = Windows::kMostPages * kPage + 1;
        const Loan loan = lend(*mem::UserIn::create(*client.space, large, size));
        CHECK(server.grants() > kept);
    }
    CHECK(server.grants() == kept);
}

TEST_CASE_FIXTURE(LendFixture,
                  "whole pages of a large buffer are shared both ways, their neighbours are not") {
    const std::uint64_t whole = Windows::kMostPages * kPage;
    client.put(large, std::string(kPage, 'x'));
    client.put(large + kPage + whole, std::string(kPage, 'x'));
    const Loan loan = lend(*mem::UserInOut::create(*client.space, large + kPage - 3, 3 + whole + 7));
    const std::uint64_t at = loan.address();
    CHECK(at % kPage == kPage - 3);
    CHECK(server.text(at, 4) == std::string("xxx\0", 4));
    CHECK(server.text(at + 3 + whole, 7) == "xxxxxxx");
    CHECK(only_zeros(at - (kPage - 3), at));
    CHECK(only_zeros(at + 3 + whole + 7, at + 3 + whole + kPage));
    // The middle at once, head and tail with copy_back.
    server.put(at + 2, "ab");
    CHECK(client.text(large + kPage - 1, 2) == "xb");
    client.put(large + kPage + 10, "live");
    CHECK(server.text(at + 3 + 10, 4) == "live");
    CHECK(loan.copy_back(loan.size()));
    CHECK(client.text(large + kPage - 1, 2) == "ab");
}

TEST_CASE_FIXTURE(LendFixture, "lent pages cannot be unmapped or changed, and go with the loan") {
    {
        const Loan loan = lend(*mem::UserOut::create(*client.space, large, kLarge));
        CHECK(server.grants() == 2);
        CHECK(error_of(server.space->unmap({loan.address(), kPage})) == "EBUSY");
        CHECK(error_of(server.space->protect({loan.address(), kPage}, {})) == "EBUSY");
        const auto child = server.space->clone();
        REQUIRE(child);
        CHECK((*child)->grants().size() == 1);
    }
    CHECK(server.grants() == 1);
}

TEST_CASE_FIXTURE(LendFixture, "holes and rights in the middle are refused") {
    REQUIRE(client.space->unmap({client.buffer + 2 * kPage, kPage}));
    REQUIRE(client.space->unmap({large + 2 * kPage, kPage}));
    CHECK(error_of(lender.lend(client.out(0, 4 * kPage))) == "EINVAL");
    CHECK(error_of(lender.lend(*mem::UserOut::create(*client.space, large, kLarge))) == "EINVAL");
    CHECK(error_of(lender.lend(client.in(2 * kPage + 1, 5))) == "EFAULT");
    const auto shared = *client.space->map({.size = kLarge}, {.kind = mem::GrantKind::kShared});
    CHECK(error_of(lender.lend(*mem::UserOut::create(*client.space, shared, 2 * kPage))) == "EPERM");
    CHECK(error_of(lender.lend(*mem::UserOut::create(*client.space, shared, kLarge))) == "EPERM");
    // The scratch page of the one that failed to be copied stays for the next buffer.
    CHECK(server.grants() == 2);
    lender.close();
    CHECK(server.grants() == 1);
}

TEST_CASE_FIXTURE(LendFixture, "memory that cannot be reached in place is copied") {
    const auto object = *pool.allocate_indirect(kLarge);
    const auto base = *client.space->map({.size = kLarge, .protection = {.write = true}},
                                         {.kind = mem::GrantKind::kShared, .object = object});
    client.put(base + 10, "from afar");
    std::size_t kept = 1;
    std::uint64_t size = kLarge - 10;
    SUBCASE("at once") {}
    SUBCASE("in a window, which stays") {
        size = 2 * kPage;
        kept = 2;
    }
    {
        const Loan loan = lend(*mem::UserInOut::create(*client.space, base + 10, size));
        CHECK(server.text(loan.address(), 9) == "from afar");
        server.put(loan.address() + 5, "near");
        CHECK(client.text(base + 10, 9) == "from afar");
        CHECK(loan.copy_back(loan.size()));
        CHECK(client.text(base + 10, 9) == "from near");
    }
    CHECK(server.grants() == kept);
}

TEST_CASE_FIXTURE(LendFixture, "buffers of the supervisor's own are copied too") {
    std::string text(3 * kPage, 'a');
    const auto out = mem::UserOut::local(std::as_writable_bytes(std::span(text)));
    const Loan loan = lend(out);
    server.put(loan.address() + kPage, "b");
    CHECK(loan.copy_back(2 * kPage));
    CHECK(text[kPage] == 'b');
    CHECK(text[0] == '\0');
    CHECK(text[2 * kPage] == 'a');
}

TEST_CASE_FIXTURE(LendFixture, "paths lie alone on a page") {
    auto loan = lender.lend_path("some/where");
    REQUIRE(loan);
    CHECK(loan->address() % kPage == 0);
    CHECK(server.text(loan->address(), 11) == std::string("some/where\0", 11));
    auto empty = lender.lend_path("");
    REQUIRE(empty);
    CHECK(empty->size() == 0);
    CHECK(empty->address() != loan->address());
    CHECK(lender.lend_path(std::string(kPage, 'p')));
}

TEST_CASE_FIXTURE(LendFixture,
                  "a full window of the pool is no memory for small buffers (full-window-aborts)") {
    pool.fill_window();
    CHECK(error_of(lender.lend(client.in(0, 5))) == "ENOMEM");
    CHECK(error_of(lender.lend_path("x")) == "ENOMEM");
    CHECK(server.grants() == 1);
    // Larger ones need none of it.
    client.put(large, "large");
    const Loan loan = lend(*mem::UserIn::create(*client.space, large, kLarge));
    CHECK(server.text(loan.address(), 5) == "large");
}

TEST_CASE_FIXTURE(LendFixture, "a closed lender leaves nothing in the server") {
    Loan kept = lend(client.in(0, 5));
    { const Loan returned = lend(client.out(5, 5)); }
    CHECK(server.grants() == 3);
    lender.close();
    CHECK(server.grants() == 2);
    kept = {};
    CHECK(server.grants() == 1);
    CHECK(pool.used() == 2 * Party::kPages * kPage + kLarge);
}

TEST_CASE_FIXTURE(LendFixture, "a server that has ended can be lent nothing") {
    server.context->die(std::nullopt);
    CHECK(error_of(lender.lend(client.in(0, 5))) == "ESRCH");
    CHECK(error_of(lender.lend_path("x")) == "ESRCH");
    CHECK(lender.lend(client.in(0, 0)));
}
