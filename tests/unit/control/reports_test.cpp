#include "kernel_shim/control/reports.h"

#include <doctest/doctest.h>

#include "tests/support/fake_machine.h"
#include "tests/support/fake_scheme.h"

namespace halfcell::control {

namespace {

class NoCalls : public task::CallHandler {
  public:
    std::optional<std::uint64_t> handle(task::Kernel&, task::Context&, const machine::CallTrap&) override {
        return 0;
    }
};

struct ReportsFixture {
    test::FakePool pool;
    test::FakeMachineFactory factory;
    NoCalls calls;
    task::Kernel kernel{pool, factory, calls};
};

}  // namespace

TEST_CASE_FIXTURE(ReportsFixture, "a long list is cut off, and says how much is left") {
    const auto files = std::make_shared<fd::FdTable>();
    const auto context = *kernel.contexts.create(mem::AddressSpace::create(pool, factory), files);
    const auto scheme = std::make_shared<test::RecordingScheme>();
    const SchemeId id = *kernel.schemes.add(scheme);
    const auto open = [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            REQUIRE(files->add({scheme::DescriptionRef::create(
                                    {.scheme = scheme, .scheme_id = id, .number = HandleNumber{i}}),
                                false}));
    };
    open(kMostRows);
    const auto whole = report_descriptors(kernel, context->attributes().pid);
    REQUIRE(whole);
    CHECK((*whole)["descriptors"].size() == kMostRows);
    CHECK_FALSE(whole->contains("left_off"));
    open(3);
    const auto cut = report_descriptors(kernel, context->attributes().pid);
    REQUIRE(cut);
    CHECK((*cut)["descriptors"].size() == kMostRows);
    CHECK((*cut)["left_off"] == 3);
}

TEST_CASE_FIXTURE(ReportsFixture, "a list of nothing is an empty list") {
    CHECK(report_processes(kernel, {})["processes"] == OrderedJson::array());
}

}  // namespace halfcell::control
